import { LoadFactors, SlowStart, type ServerInfo } from '@ringmaster/dispatch';
import type { NodeConfig } from '../config/index.js';
import type { HeardLoad } from '../load/loads.js';

/** What the configuration says about it. */
export interface BalancingRules {
  readonly slowStartMs: number;
  /** Whether a scheduler goes by the load; else it is worked out for show only. */
  readonly usesLoad: boolean;
}

export interface BalancingParts {
  readonly rules: BalancingRules;
  /** What a server last told of its load. */
  readonly loadOf: (address: number) => HeardLoad | undefined;
  /** Whether a server has just started, should it be seen for the first time. */
  readonly isNewcomer: (address: number) => boolean;
  /** Whether this node sees the others: out of the ring it cannot tell whether they serve. */
  readonly isInRing: () => boolean;
  /** Weights have changed: the data plane should have the servers anew. */
  readonly onChange: () => void;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** What there is between a server's configured weight and the one in force. */
export interface Weighing {
  /** Slow start: 0 to 1. */
  readonly share: number;
  /** What its load makes of it, about 1. */
  readonly loadFactor: number;
}

const TICK_MS = 250;
/** Load reports come once a second. */
const TICKS_PER_LOAD = 4;
/** Smaller changes of a factor are not worth a new server table. */
const LEAST_CHANGE = 0.02;

/**
 * Weights that change with time: slow start and load. Every node works them out, so that whoever dispatches next goes on
 * with what it has seen.
 */
export class Balancing {
  private readonly parts: BalancingParts;
  private readonly slowStart: SlowStart;
  private usesLoad: boolean;
  private readonly factors = new LoadFactors();
  /** What the data plane was last told. */
  private told = new Map<number, Weighing>();
  private servers: readonly ServerInfo[] = [];
  /** Who served when this node last saw it. */
  private serving = new Set<number>();
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(parts: BalancingParts) {
    this.parts = parts;
    this.slowStart = new SlowStart(parts.rules.slowStartMs);
    this.usesLoad = parts.rules.usesLoad;
  }

  /** Goes by these from now on. */
  reconfigure({ slowStartMs, usesLoad }: BalancingRules): void {
    this.slowStart.lengthMs = slowStartMs;
    this.usesLoad = usesLoad;
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** The servers with the weights that are in force; to be called whenever something about the servers has changed. */
  weigh(servers: readonly ServerInfo[]): ServerInfo[] {
    this.servers = servers.filter(({ fixed }) => fixed !== true);
    this.noteStarts();
    this.told = new Map(this.servers.map(({ address }) => [address, this.weighing(address)]));
    return servers.map((server) => ({ ...server, ...this.told.get(server.address) }));
  }

  /** What is in force for a server now. */
  weighing(address: number): Weighing {
    const share = this.slowStart.shareOf(address, this.parts.nowMs());
    const loadFactor = this.usesLoad ? Math.round(this.factors.factorOf(address) * 1000) / 1000 : 1;
    return { share, loadFactor };
  }

  private noteStarts(): void {
    const { isNewcomer, isInRing } = this.parts;
    const sees = isInRing();
    const starting = this.servers.map((server) => {
      const { address, local } = server;
      const wasServing = this.serving.has(address);
      return {
        address,
        serves: sees || local ? serves(server) : wasServing,
        isNewcomer: isNewcomer(address),
      };
    });
    this.serving = new Set(starting.flatMap(({ address, serves: does }) => (does ? [address] : [])));
    this.slowStart.note(starting, this.parts.nowMs());
  }

  private tick(): void {
    this.ticks++;
    if (this.ticks % TICKS_PER_LOAD === 0) this.takeLoads();
    if (this.servers.some(({ address }) => this.hasChanged(address))) this.parts.onChange();
  }

  private takeLoads(): void {
    const { loadOf } = this.parts;
    const loaded = this.servers.filter(serves).map(({ address, weight }) => {
      return { address, weight, load: loadOf(address)?.report };
    });
    this.factors.update(loaded, this.parts.nowMs());
  }

  private hasChanged(address: number): boolean {
    const now = this.weighing(address);
    const before = this.told.get(address);
    if (before === undefined) return false;
    return now.share !== before.share || Math.abs(now.loadFactor / before.loadFactor - 1) > LEAST_CHANGE;
  }
}

export function balancingRules({ clusters, slowStartMs }: NodeConfig): BalancingRules {
  const usesLoad = clusters.some(({ ports }) => ports.some(({ scheduler }) => scheduler === 'load-aware'));
  return { slowStartMs, usesLoad };
}

function serves({ active, weight }: ServerInfo): boolean {
  return active && weight > 0;
}
