import { ipEquals, macEquals } from 'libnetraw/wire';
import { Dispatcher } from '../dispatcher.js';
import { ConnectionState } from '../map/connectionRecord.js';
import { DEFAULT_HEADROOM_BYTES, type DispatcherOptions, type DispatchMode } from '../options.js';
import { GONE_AFTER_MS, type ServerInfo } from '../servers.js';
import { type DropReason, Verdict } from '../verdicts.js';
import type { Examination } from './examiner.js';
import { clientFrame } from './frames.js';

/** Connections that one rehearsal may meet. */
const CAPACITY = 2048;
const HOLD_BYTES = 1024 * 1024;

const stateNumbers = {
  'half-open': ConnectionState.halfOpen,
  established: ConnectionState.established,
  closing: ConnectionState.closing,
} as const;

/** What a rehearsal needs to know of the dispatcher whose part it plays. */
export interface RehearsalOptions extends Pick<DispatcherOptions, 'clusters' | 'ownMac' | 'mtuBytes'> {
  readonly servers: readonly ServerInfo[];
  /** Those that are no longer listed: what they still send is known as theirs. */
  readonly formerServers: readonly ServerInfo[];
  readonly mode: DispatchMode;
  /** Whether it holds what it does not know. */
  readonly isHolding: boolean;
  /** When it last ended to, on the clock of `nowMs`. */
  readonly heldUntilMs?: number;
}

/** What would become of a frame. */
export interface Rehearsed {
  readonly verdict: Verdict;
  /** Whether its connection is known, be it from a frame before it. */
  readonly isKnown: boolean;
  /** With the verdict `drop`. */
  readonly reason?: DropReason;
  /** What would be sent instead of it; with the verdicts that send. */
  readonly sent?: Uint8Array;
  /** The name of the server that the frame is from or goes to. */
  readonly server?: number;
}

/**
 * Finds out what a dispatcher would do with frames by having another one do it: the same code, a map of its own into which
 * what is known about the frame's connection is entered before. The choice for a new connection is the examined one.
 *
 * Frames may follow each other: a connection that the first one opens is known to the second.
 */
export class Rehearsal {
  private readonly given: RehearsalOptions;
  private readonly dispatcher: Dispatcher;
  private readonly clusters: RehearsalOptions['clusters'];

  constructor(given: RehearsalOptions, nowMs: number) {
    const { clusters, ownMac, mtuBytes, servers, formerServers, mode, isHolding, heldUntilMs } = given;
    this.given = given;
    // Whom a scheduler chooses is told, so the quickest serve.
    this.clusters = clusters.map((cluster) => ({ ...cluster, ports: cluster.ports.map(withQuickScheduler) }));
    this.dispatcher = new Dispatcher({
      clusters: this.clusters,
      ownMac,
      maxConnections: CAPACITY,
      seed: 1,
      holdBytes: HOLD_BYTES,
      ...(mtuBytes !== undefined && { mtuBytes }),
    });
    const { dispatcher } = this;
    dispatcher.setMode(mode);
    dispatcher.setServers([...formerServers, ...servers], nowMs);
    // The end of holding is remembered for a while: see `LEARNING_MS`.
    dispatcher.gc(heldUntilMs ?? nowMs, 0);
    dispatcher.hold(heldUntilMs !== undefined);
    dispatcher.hold(isHolding);
    dispatcher.setServers(servers, nowMs);
  }

  /** @param facts what the dispatcher knows about the frame */
  run(frame: Uint8Array, facts: Examination | undefined, nowMs: number): Rehearsed {
    const { dispatcher } = this;
    if (facts !== undefined) this.prepare(facts, nowMs);
    const memory = new Uint8Array(DEFAULT_HEADROOM_BYTES + frame.length);
    memory.set(frame, DEFAULT_HEADROOM_BYTES);
    const isKnown =
      dispatcher.examine(memory, DEFAULT_HEADROOM_BYTES, frame.length, nowMs)?.connection !== undefined;
    const verdict = dispatcher.process(memory, DEFAULT_HEADROOM_BYTES, frame.length, nowMs);
    const { dropReason, skipBytes, reply, replyLength } = dispatcher;
    const outcome = { verdict, isKnown };
    if (verdict === Verdict.drop) return { ...outcome, reason: dropReason };
    if (verdict === Verdict.answer) return { ...outcome, sent: reply.slice(0, replyLength) };
    if (verdict === Verdict.ignore || verdict === Verdict.hold) return outcome;
    const sent = memory.slice(DEFAULT_HEADROOM_BYTES + skipBytes);
    const server = this.serverOf(verdict, sent, facts);
    return { ...outcome, sent, ...(server !== undefined && { server }) };
  }

  private prepare(facts: Examination, nowMs: number): void {
    const { connection, server, nextHopMac } = facts;
    const { dispatcher } = this;
    const cast = this.cast(facts);
    const longAgoMs = nowMs - GONE_AFTER_MS - 1;
    if (connection !== undefined && server !== undefined) {
      // While it is told of the connection, the server is there.
      dispatcher.setServers([...cast, { ...server, active: true, weight: 0 }], longAgoMs);
      const state = stateNumbers[connection.state];
      // It may be of a port that the configuration has no more.
      const { clusters } = this;
      const isOfFormerPort = facts.service === undefined;
      if (isOfFormerPort) dispatcher.setClusters(clusters.map((cluster) => withPort(cluster, facts)));
      dispatcher.enter({ ...this.reported(facts, server), serverAddress: server.address, state }, nowMs);
      if (nextHopMac !== undefined) this.teach(facts, nextHopMac, nowMs);
      if (isOfFormerPort) dispatcher.setClusters(clusters);
    }
    // Servers that are away have been for long; `cast` sees to those that have not.
    dispatcher.setServers(cast, longAgoMs);
    dispatcher.setServers(cast, nowMs);
  }

  /** The servers, of which only the examined one takes a new connection. */
  private cast({ server, service }: Examination): ServerInfo[] {
    const next = service?.next;
    const isNamed = ({ address }: ServerInfo): boolean =>
      address === next?.address || address === server?.address;
    const others = this.given.servers
      .filter((info) => !isNamed(info))
      .map((info) => ({ ...info, weight: 0 }));
    if (next !== undefined) others.push(next);
    // Whoever is away only for a moment is treated as if it were there.
    if (server !== undefined && server.address !== next?.address) {
      others.push({ ...server, active: server.active || !server.isGone, weight: 0 });
    }
    return others;
  }

  /** A connection as its server's kernel would tell it: in L4/3 that knows the server's own address and port. */
  private reported(facts: Examination, own: ServerInfo) {
    const { clientAddress, clientPort, clusterAddress, port, protocol } = facts;
    const cluster = this.given.clusters.find(({ address }) => ipEquals(address, clusterAddress));
    const isTranslated = cluster?.mode === 'l4/3';
    const target = cluster?.ports.find(
      (service) => service.port === port && carries(service.protocol, protocol),
    );
    const ownAddress = typeof clusterAddress === 'number' ? own.address : own.address6;
    return {
      clientAddress,
      clientPort,
      clusterAddress: isTranslated ? (ownAddress ?? clusterAddress) : clusterAddress,
      port: isTranslated ? (target?.targetPort ?? port) : port,
      protocol,
    };
  }

  /** Lets the dispatcher see a frame that came from the next hop: from such it learns where clients are. */
  private teach(facts: Examination, nextHopMac: Uint8Array, nowMs: number): void {
    const cluster = this.given.clusters.find(({ address }) => ipEquals(address, facts.clusterAddress));
    if (cluster === undefined) return;
    const frame = clientFrame({
      ...facts,
      virtualMac: cluster.virtualMac,
      sourceMac: nextHopMac,
      packet: 'data',
    });
    const memory = new Uint8Array(DEFAULT_HEADROOM_BYTES + frame.length);
    memory.set(frame, DEFAULT_HEADROOM_BYTES);
    this.dispatcher.process(memory, DEFAULT_HEADROOM_BYTES, frame.length, nowMs);
  }

  private serverOf(verdict: Verdict, sent: Uint8Array, facts: Examination | undefined): number | undefined {
    const { servers } = this.given;
    if (facts?.connection !== undefined) return facts.connection.serverAddress;
    if (verdict === Verdict.local) return servers.find(({ local }) => local)?.address;
    if (verdict === Verdict.forward) return servers.find(({ mac }) => macEquals(sent, 0, mac, 0))?.address;
    return facts?.direction === 'to-server' ? facts.service?.next?.address : undefined;
  }
}

type Cluster = RehearsalOptions['clusters'][number];

/** The cluster of a connection with its port, which it has not. */
function withPort(cluster: Cluster, { clusterAddress, port, protocol }: Examination): Cluster {
  if (!ipEquals(cluster.address, clusterAddress)) return cluster;
  const former = { port, protocol: protocol === 17 ? 'udp' : 'tcp' } as const;
  return { ...cluster, ports: [...cluster.ports, former] };
}

type Port = RehearsalOptions['clusters'][number]['ports'][number];

function withQuickScheduler(port: Port): Port {
  return { ...port, scheduler: port.stateless === true ? 'source-hash' : 'round-robin' };
}

function carries(protocol: Port['protocol'], number: number): boolean {
  return protocol === 'all' || (protocol === 'udp') === (number === 17);
}
