/** What a node reports of its load. */
export interface ServerLoad {
  /** Open connections to its services. */
  readonly connections: number;
  /** Connections that it has accepted a second, lately. */
  readonly newPerSecond: number;
  /** Connections that wait for its services to accept them. */
  readonly acceptQueue: number;
  /** How long its services take to answer a health check, in milliseconds; `undefined` when there is none. */
  readonly responseMs: number | undefined;
}

/** A server that takes connections, and what is known of its load. */
export interface LoadedServer {
  /** Its address, unsigned. */
  readonly address: number;
  /** As configured, 1 to 255. */
  readonly weight: number;
  /** `undefined`: never reported, or too long ago. */
  readonly load: ServerLoad | undefined;
}

/**
 * How much each measure counts: the exponent of a server's share of it. New connections follow the weights at once, and so
 * steady them; a queue and the answers that wait in it are what is to be got rid of. `loadFactors.test.ts` plays servers
 * of many kinds with these: none swings.
 */
const EXPONENT = { connections: 0.3, newPerSecond: 0.5, acceptQueue: 0.5, responseMs: 0.3 } as const;
/** Less than this is noise: what comes in the seconds that a report takes to have its effect, and a little more. */
const DELAY_S = 2;
const NOISE_CONNECTIONS = 10;
const NOISE_RESPONSE_MS = 5;
/** A server with a tenth of its weight is still heard of: it is noticed when it has recovered. */
export const LEAST_FACTOR = 0.1;
export const GREATEST_FACTOR = 4;
/** Time constant of the damping. */
const DAMPING_MS = 2000;
/** Slower for the answers to health checks: there are few of them, and each is one sample. */
const RESPONSE_DAMPING_MS = 5000;
/** A longer pause is no reason to go further in one step. */
const LONGEST_STEP_MS = 2000;

type Measure = keyof typeof EXPONENT;
const MEASURES = Object.keys(EXPONENT) as readonly Measure[];

/** Damped logarithms of one server. */
interface Track {
  /** Of its response time; `undefined` until it has been reported. */
  response: number | undefined;
  /** Of its factor. */
  factor: number;
}

/**
 * What the servers' load makes of their weights. For each measure x a server is compared with the others,
 *
 *     r = (x + n) / (geometric mean of x + n over all servers that report)
 *
 * where n is what counts as noise, and connections, new ones and waiting ones are counted for one unit of weight. Then
 *
 *     factor = product of r ^ -EXPONENT, kept between LEAST_FACTOR and GREATEST_FACTOR
 *
 * is approached with the time constant DAMPING_MS. A server whose load is not known goes back to 1 in the same way. Only
 * what differs between servers counts: where all are equally busy, all factors are 1.
 */
export class LoadFactors {
  private tracks = new Map<number, Track>();
  private latestMs: number | undefined;

  /** Takes the newest reports into account; called about once a second. Who is not in `servers` is forgotten. */
  update(servers: readonly LoadedServer[], nowMs: number): void {
    const stepMs = Math.min(LONGEST_STEP_MS, Math.max(0, nowMs - (this.latestMs ?? nowMs)));
    this.latestMs = nowMs;
    const before = this.tracks;
    this.tracks = new Map();
    for (const { address, load } of servers) {
      const track = before.get(address) ?? { response: undefined, factor: 0 };
      noteResponse(track, load?.responseMs, stepMs);
      this.tracks.set(address, track);
    }
    const targets = this.targets(servers);
    const gain = 1 - Math.exp(-stepMs / DAMPING_MS);
    for (const { address } of servers) {
      const track = this.tracks.get(address) as Track;
      track.factor += ((targets.get(address) ?? 0) - track.factor) * gain;
    }
  }

  /** What the configured weight of a server is to be multiplied by; 1 for one that is not known. */
  factorOf(address: number): number {
    return Math.exp(this.tracks.get(address)?.factor ?? 0);
  }

  /** Logarithms of the factors that the present load asks for, of the servers that report. */
  private targets(servers: readonly LoadedServer[]): Map<number, number> {
    const targets = new Map<number, number>();
    const arriving = mean(servers.map((server) => perWeight(server, 'newPerSecond') ?? 0));
    for (const measure of MEASURES) {
      const noise = NOISE_CONNECTIONS + (measure === 'newPerSecond' ? 0 : DELAY_S * arriving);
      const logarithms = servers.flatMap((server): [number, number][] => {
        const value = this.logarithm(server, measure, noise);
        return value === undefined ? [] : [[server.address, value]];
      });
      const middle = mean(logarithms.map(([, value]) => value));
      for (const [address, value] of logarithms) {
        targets.set(address, (targets.get(address) ?? 0) - EXPONENT[measure] * (value - middle));
      }
    }
    for (const [address, target] of targets) targets.set(address, bounded(target));
    return targets;
  }

  private logarithm(server: LoadedServer, measure: Measure, noise: number): number | undefined {
    if (server.load === undefined) return undefined;
    if (measure === 'responseMs') return this.tracks.get(server.address)?.response;
    return Math.log((perWeight(server, measure) as number) + noise);
  }
}

function noteResponse(track: Track, responseMs: number | undefined, stepMs: number): void {
  if (responseMs === undefined) {
    track.response = undefined;
    return;
  }
  const now = Math.log(responseMs + NOISE_RESPONSE_MS);
  track.response ??= now;
  track.response += (now - track.response) * (1 - Math.exp(-stepMs / RESPONSE_DAMPING_MS));
}

function perWeight(
  { load, weight }: LoadedServer,
  measure: Exclude<Measure, 'responseMs'>,
): number | undefined {
  return load && load[measure] / weight;
}

function bounded(logarithm: number): number {
  return Math.min(Math.log(GREATEST_FACTOR), Math.max(Math.log(LEAST_FACTOR), logarithm));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
