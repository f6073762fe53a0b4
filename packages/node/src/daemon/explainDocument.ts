/** What `POST /explain` answers (N7): why a packet goes where it goes, in a sentence and in fields. */
import {
  clientFrame,
  type ClusterConfig,
  dropReasonNames,
  dropReasonTexts,
  type Examination,
  type PacketName,
  Verdict,
  verdictNames,
} from '@ringmaster/dispatch';
import { dispatcherOf, formatIpv4, isDispatching, type RingState } from '@ringmaster/ring';
import { formatIp, ipEquals, IpProtocol } from 'libnetraw/wire';
import type { ExplainRequest } from '../control/explainRequest.js';
import type { ExplainAnswer, ExplainedFrame } from '../control/index.js';
import type { DataPlane, Explained } from '../dataplane/index.js';
import { endpointName, protocolName, STATE_NAMES } from './connectionNames.js';
import { hostOf } from './hosts.js';

export interface ExplainSources {
  readonly state: RingState;
  readonly dataPlane: Pick<DataPlane, 'explain'>;
  readonly clusters: readonly ClusterConfig[];
}

/** Locally administered, and nobody's: where an imagined client's frames come from. */
const SOMEBODY = Uint8Array.of(0x02, 0x52, 0x4d, 0xff, 0xff, 0xff);

/** Explains what an operator asks about. Not `ok`: there is no such cluster address. */
export async function explainPackets(
  request: ExplainRequest,
  sources: ExplainSources,
): Promise<ExplainAnswer> {
  const { state } = sources;
  const explained = await explain(request, sources);
  if (explained === undefined) {
    const known = sources.clusters.map(({ address }) => formatIp(address)).join(', ');
    return { ok: false, message: `cluster: no such cluster address is configured here; there is ${known}` };
  }
  const host = hostOf(state, dispatcherOf(state));
  const dispatcher = host === undefined ? null : formatIpv4(host);
  const dispatching = isDispatching(state);
  const frames = explained.map((one) => describe(one, dispatching ? undefined : dispatcher));
  return { ok: true, document: { dispatching, dispatcher, frames } };
}

async function explain(
  request: ExplainRequest,
  { dataPlane, clusters }: ExplainSources,
): Promise<Explained[] | undefined> {
  if (request.kind === 'frames') return dataPlane.explain(request.frames);
  const { client, cluster, protocol } = request;
  const there = clusters.find(({ address }) => ipEquals(address, cluster.address));
  if (there === undefined) return undefined;
  const frame = (packet: PacketName): Uint8Array =>
    clientFrame({
      clientAddress: client.address,
      clientPort: client.port,
      clusterAddress: cluster.address,
      port: cluster.port,
      protocol: protocol === 'tcp' ? IpProtocol.tcp : IpProtocol.udp,
      virtualMac: there.virtualMac,
      sourceMac: SOMEBODY,
      packet,
    });
  if (request.packet !== undefined) return dataPlane.explain([frame(request.packet)]);
  const known = await dataPlane.explain([frame('data')]);
  return known[0]?.facts?.connection === undefined ? dataPlane.explain([frame('syn')]) : known;
}

/** @param elsewhere where to ask when this node does not dispatch: the dispatcher, or null when there is none */
function describe(explained: Explained, elsewhere: string | null | undefined): ExplainedFrame {
  const { facts, outcome } = explained;
  const connection = facts?.connection;
  const service = facts?.service;
  const { verdict, reason, server, sent } = outcome;
  return {
    verdict: verdictNames[verdict],
    reason: reason === undefined ? null : dropReasonNames[reason],
    why: elsewhere === undefined ? sayWhy(explained) : sayNotHere(elsewhere),
    client: facts === undefined ? null : endpointName(facts.clientAddress, facts.clientPort),
    cluster: facts === undefined ? null : endpointName(facts.clusterAddress, facts.port),
    protocol: facts === undefined ? null : protocolName(facts.protocol),
    direction: facts?.direction ?? null,
    server: server === undefined ? null : formatIpv4(server),
    connection:
      connection === undefined
        ? null
        : {
            server: formatIpv4(connection.serverAddress),
            state: STATE_NAMES[connection.state],
            idleMs: connection.idleMs,
            packets: connection.packets,
          },
    service:
      service === undefined
        ? null
        : {
            scheduler: service.scheduler,
            stateless: service.isStateless,
            servers: service.servers,
            eligible: service.eligible,
          },
    sent: sent === undefined ? null : Buffer.from(sent).toString('hex'),
  };
}

function sayNotHere(dispatcher: string | null): string {
  return dispatcher === null
    ? 'this node does not dispatch, and nobody else does at the moment'
    : `this node does not dispatch; ${dispatcher} does: ask there`;
}

function sayWhy({ facts, outcome }: Explained): string {
  const { verdict, reason, isKnown } = outcome;
  switch (verdict) {
    case Verdict.ignore:
      return 'it is sent to no virtual MAC of this configuration, and asks for no address of it';
    case Verdict.answer:
      return 'the dispatcher answers it itself';
    case Verdict.hold:
      return 'it belongs to no known connection yet, and waits until the servers have told theirs';
    case Verdict.drop:
      return `it is dropped: ${dropReasonTexts[dropReasonNames[reason ?? 0] as keyof typeof dropReasonTexts]}`;
    default:
      return `${sayConnection(facts, isKnown)}${sayWay(verdict)}`;
  }
}

function sayConnection(facts: Examination | undefined, isKnown: boolean): string {
  if (facts === undefined) return 'it is for the cluster as a whole, or for a server at its own address';
  const { connection, service, isError } = facts;
  if (service?.isStateless === true) {
    return `${service.scheduler} gives this client always the same server, and nothing is remembered`;
  }
  if (connection !== undefined) {
    const { serverAddress, state, packets } = connection;
    const what = isError ? 'it is an ICMP error about a connection that is known' : 'its connection is known';
    return `${what}: ${state}, of ${formatIpv4(serverAddress)}, ${packets} packets so far`;
  }
  if (isKnown) return 'a frame before it has opened the connection';
  if (service === undefined) return 'its connection is known';
  const { scheduler, eligible, servers } = service;
  return `it opens a connection, and ${scheduler} has chosen (${eligible} of ${servers} servers take new ones)`;
}

function sayWay(verdict: Verdict): string {
  if (verdict === Verdict.local) return '; the server is this node itself';
  if (verdict === Verdict.resolve) return "; the next hop is left to this host's own routing";
  if (verdict === Verdict.outward) return '; to where its client was last heard from';
  return '';
}
