import type { StatusDocument } from '@ringmaster/node';
import { nowMs } from '../clock.js';
import type { Cluster, ClusterHost } from '../cluster/cluster.js';
import { CLUSTER_ADDRESS } from '../cluster/layout.js';
import { killDispatcher, waitForDispatcher, type Failover } from '../cluster/failover.js';
import { burst, HeldConnections, RequestStream } from '../load/load.js';
import { bars, ringPicture, timeline, type Seat } from './pictures.js';
import { longestGapMs, type FailbackResult, type FailoverResult } from './result.js';
import type { Screen } from './screen.js';

const REQUESTS = 1000;
/** A held connection that waits longer than this is lost; TCP's own repetitions must fit in. */
const STALLED_MS = 3000;
/** What the picture of the failover shows before and after the kill, and the time that one mark stands for. */
const BEFORE_MS = 200;
const AFTER_MS = 800;
const MARK_MS = 10;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const round = (ms: number) => Math.round(ms * 10) / 10;

/** The acts of the demo on a cluster; each tells what it sees and returns its figures. */
export class Story {
  readonly #screen: Screen;
  readonly #cluster: Cluster;
  #held!: HeldConnections;
  #stream!: RequestStream;

  constructor(screen: Screen, cluster: Cluster) {
    this.#screen = screen;
    this.#cluster = cluster;
  }

  /** Starts services and nodes, and waits for the ring. */
  async raise(): Promise<void> {
    const { hosts } = this.#cluster;
    this.#screen.live('starting an HTTP service on every node ...');
    await Promise.all(hosts.map((host) => host.startService()));
    this.#screen.live("starting 'ringmaster up' on every node ...");
    const began = nowMs();
    await Promise.all(hosts.map((host) => host.startNode()));
    const status = await this.#cluster.whole();
    this.#screen.good(`${hosts.length} nodes formed a ring in ${round((nowMs() - began) / 1000)} s`);
    this.#showRing(status);
  }

  /** Requests from the client, each on a new connection. */
  async spread(): Promise<Record<string, number>> {
    this.#screen.live(`${REQUESTS} requests ...`);
    const { servers, clients, failed } = await burst(this.#cluster.client, this.#cluster.target, {
      count: REQUESTS,
    });
    for (const bar of bars(servers)) this.#screen.line(`      ${bar}`);
    const told = `${REQUESTS - failed} of ${REQUESTS} requests served`;
    this.#screen.good(`${told}; the services saw the client's own address: ${clients.join(', ')}`);
    return Object.fromEntries(Object.entries(servers).sort(([one], [other]) => one.localeCompare(other)));
  }

  /** Opens the long-lived connections and starts the stream of new ones. */
  async load(connections: number): Promise<void> {
    const { client, target } = this.#cluster;
    this.#held = await HeldConnections.open(client, target, { connections, stalled: STALLED_MS });
    for (const bar of bars(this.#held.placed)) this.#screen.line(`      ${bar}`);
    this.#screen.good(`${connections} long-lived connections are open and answer`);
    this.#stream = new RequestStream(client, target);
    await this.#watch(1500);
    this.#screen.good('a stream of new requests runs beside them: one every 10 ms, given up after 200 ms');
  }

  /** `kill -9` of the dispatcher, and what comes of it. */
  async failover(): Promise<FailoverResult> {
    this.#held.takeLongestSilenceMs();
    const failover = await killDispatcher(this.#cluster, this.#stream);
    const { victim, killedAt, status } = failover;
    const survivors = this.#cluster.hosts.filter((host) => host !== victim);
    await this.#watch(STALLED_MS + 1500);
    const { servers } = await this.#held.state();
    const mine = this.#held.placed;
    const result = {
      killedAddress: victim.address,
      newDispatcher: status.address,
      gapMs: round(failover.gapMs),
      rebuildMs: round(status.rebuild.ms),
      establishedOnSurvivors: sum(survivors.map(({ name }) => mine[name] ?? 0)),
      survived: sum(survivors.map(({ name }) => servers[name]?.alive ?? 0)),
      livedOnKilled: mine[victim.name] ?? 0,
      failedRequests: this.#stream.since(killedAt - BEFORE_MS).filter(({ server }) => server === undefined)
        .length,
    };
    const lost = result.establishedOnSurvivors - result.survived;
    this.#tellFailover({ ...result, lost }, failover);
    this.#showRing(await this.#cluster.whole());
    return { ...result, lost };
  }

  /** The killed node returns; having the smallest address, it takes over again. */
  async failback(victim: ClusterHost): Promise<FailbackResult> {
    const before = await this.#held.state();
    const startAt = nowMs();
    this.#screen.live(`${victim.name} starts again ...`);
    await victim.start();
    await waitForDispatcher([victim]);
    const whole = await this.#cluster.whole();
    this.#screen.good(`${victim.name} is back in the ring and dispatches again, once its map was complete`);
    await this.#watch(STALLED_MS + 1500);
    const after = await this.#held.state();
    const requests = this.#stream.since(startAt);
    const alive = ({ servers }: typeof before) => sum(Object.values(servers).map((server) => server.alive));
    const result = {
      gapMs: round(longestGapMs(requests)),
      lost: Math.max(0, alive(before) - alive(after)),
      failedRequests: requests.filter(({ server }) => server === undefined).length,
      newDispatcher: whole.ring.dispatcher ?? '',
    };
    this.#judge(result.lost === 0, `${alive(after)} of ${alive(before)} long-lived connections went on`);
    const served = `${requests.length - result.failedRequests} of ${requests.length} new requests served in time`;
    this.#screen.line(`      ${served} meanwhile; longest time without one: ${result.gapMs} ms`);
    this.#showRing(whole);
    return result;
  }

  /** The client's processes end. */
  async end(): Promise<void> {
    await Promise.all([this.#held.close(), this.#stream.close()]);
  }

  #tellFailover(result: FailoverResult, { victim, takeoverMs, killedAt }: Failover): void {
    const { colors } = this.#screen;
    const at = (ms: number) => colors.bold(`${String(Math.round(ms))} ms`.padStart(8));
    const heir = this.#cluster.hostAt(result.newDispatcher);
    const { address } = victim;
    const told: [number, string][] = [
      [0, `kill -9 of ringmaster on ${victim.name} (${address}), the dispatcher; its service dies, too`],
      [
        takeoverMs,
        `${heir.name} was seen to dispatch; learning the others' connections took ${result.rebuildMs} ms`,
      ],
      [result.gapMs, 'the first new request was served again'],
    ];
    told.sort(([one], [other]) => one - other);
    for (const [ms, line] of told) this.#screen.line(`    ${at(ms)}  ${line}`);
    this.#screen.line();
    const marks = timeline(this.#stream.requests, killedAt - BEFORE_MS, killedAt + AFTER_MS, MARK_MS);
    this.#screen.line(`    ${marks}`);
    this.#screen.line(
      `    ${' '.repeat(BEFORE_MS / MARK_MS)}^ kill -9      (${MARK_MS} ms a mark: █ served, x failed)`,
    );
    this.#screen.line();
    const { survived, establishedOnSurvivors, livedOnKilled, failedRequests } = result;
    const silence = Math.max(0, ...this.#survivorsSilence(victim));
    const went = `${survived} of ${establishedOnSurvivors} connections on the surviving nodes went on`;
    this.#judge(survived === establishedOnSurvivors, `${went} (longest pause ${Math.round(silence)} ms)`);
    this.#screen.line(`      ${livedOnKilled} connections lived on ${victim.name} itself and ended with it`);
    this.#screen.line(`      ${failedRequests} new requests were not served in time`);
  }

  #survivorsSilence(victim: ClusterHost): number[] {
    const silence = this.#held.takeLongestSilenceMs();
    return Object.entries(silence).flatMap(([name, ms]) => (name === victim.name ? [] : [ms]));
  }

  /** Lets time pass and shows what the client sees. */
  async #watch(ms: number): Promise<void> {
    const until = nowMs() + ms;
    while (nowMs() < until) {
      const { requests } = this.#stream;
      const last = requests.slice(-50).filter(({ server }) => server !== undefined).length;
      this.#screen.live(`new requests: ${requests.length} so far, ${last} of the last 50 served`);
      await pause(100);
    }
  }

  #judge(good: boolean, text: string): void {
    if (good) this.#screen.good(text);
    else this.#screen.bad(text);
  }

  #showRing(status: StatusDocument): void {
    const seats = this.#cluster.hosts.map((host): Seat => {
      const { name, address } = host;
      if (!host.up) return { name, state: 'dead' };
      return { name, state: address === status.ring.dispatcher ? 'dispatcher' : 'server' };
    });
    this.#screen.line();
    for (const line of ringPicture(seats)) this.#screen.line(`      ${this.#screen.colors.cyan(line)}`);
  }
}

/** The topology, for the beginning. */
export function topology(cluster: Cluster): string[] {
  const nodes = cluster.hosts.map(({ name, address }) => `${name} ${address}`);
  const left = `client ${cluster.client.address} ── router ──`;
  const blank = ' '.repeat(left.length);
  return [
    ...nodes.map((node, i) => {
      const join = i === 0 ? '┬' : i === nodes.length - 1 ? '└' : '├';
      return `${i === 0 ? left : blank}${join}── ${node}`;
    }),
    '',
    `The nodes serve http://${CLUSTER_ADDRESS}/ together; nobody else has this address.`,
  ];
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
