import type { RingConfig } from '@ringmaster/ring';
import { Random } from '../random.js';
import { convergenceBoundMs } from './bound.js';
import { randomFault } from './randomFault.js';
import type { Fault, NodeTraits, Scenario, Weather } from './scenario.js';
import { CLEAR_SKY } from './scenario.js';

/** From the question to all members to the last answer, on a healthy network. */
export const TAKE_OVER_MS = 200;
const QUIET_MS = 1200;
/** In clusters beyond this size everything costs the square of it: most of their seeds do less. */
const LARGE = 64;
/** The share of large clusters that start from nothing; the others are a ring already, but for a few latecomers. */
const LARGE_COLD_STARTS = 0.05;
const LATECOMERS = 0.01;

interface Size {
  readonly stormMs: { readonly from: number; readonly to: number };
  /** How many at most, in a cluster of so many nodes. */
  readonly faults: (count: number) => number;
  /** Waiting out the whole bound finds little and takes most of the time: the others do. */
  readonly earlyCalms: number;
  readonly calmMs: number;
  /** The share of clusters whose packets are sealed. */
  readonly sealed: number;
}

const faultsBySize = (count: number): number => 3 + Math.ceil(Math.sqrt(count));

const SIZES: Record<'small' | 'large' | 'large, cold', Size> = {
  small: {
    stormMs: { from: 500, to: 5000 },
    faults: faultsBySize,
    earlyCalms: 0.85,
    calmMs: 3000,
    sealed: 0.3,
  },
  large: { stormMs: { from: 300, to: 1500 }, faults: () => 4, earlyCalms: 0.98, calmMs: 1500, sealed: 0.1 },
  'large, cold': {
    stormMs: { from: 500, to: 3000 },
    faults: faultsBySize,
    earlyCalms: 0.85,
    calmMs: 1500,
    sealed: 0.1,
  },
};

/** Clusters up to this size are drawn more often, when the range allows. */
const SMALL = 9;

export interface NodeRange {
  readonly from: number;
  readonly to: number;
}

/** Works a scenario out of a seed. The same seed and range give the same scenario, always. */
export function generate(seed: number, range: NodeRange): Scenario {
  const random = new Random(seed, 'scenario');
  const count = nodeCount(random, range);
  const config = ringConfig(random, count);
  const size = count > LARGE ? (random.chance(LARGE_COLD_STARTS) ? 'large, cold' : 'large') : 'small';
  const { stormMs, faults: mostFaults, earlyCalms, calmMs, sealed: sealedShare } = SIZES[size];
  const formed = size === 'large';
  const sealed = random.chance(sealedShare);
  const startSpreadMs = formed ? 0 : random.pick([0, 5, 200, 1500]);
  const stormEndMs = startSpreadMs + random.between(stormMs.from, stormMs.to);
  const plan = { count, sealed, fromMs: 0, toMs: stormEndMs, most: mostFaults(count) };
  const faults = randomFaults(random, plan);
  const settledMs = stormEndMs + convergenceBoundMs(config, count, TAKE_OVER_MS);
  const lasting = count > 1 && random.chance(0.15);
  return {
    seed,
    nodes: Array.from({ length: count }, () => {
      const late = formed && random.chance(LATECOMERS);
      return nodeTraits(random, late ? stormEndMs : startSpreadMs);
    }),
    config,
    sealed,
    ...(formed && { formed }),
    base: baseWeather(random, sealed),
    faults,
    ...(lasting && { lastingSides: Array.from({ length: count }, () => random.whole(0, 1)) }),
    stormEndMs,
    settledMs,
    calm: calmOf(random, count),
    calmMs,
    ...(random.chance(earlyCalms) && { quietMs: QUIET_MS }),
    clients: random.whole(1, 6),
    rotatesKey: sealed && random.chance(0.3),
  };
}

function nodeCount(random: Random, { from, to }: NodeRange): number {
  // Small clusters hold nearly every coincidence and are quick to run.
  if (from < SMALL && random.chance(0.85)) return random.whole(from, Math.min(to, SMALL));
  return random.whole(from, to);
}

function ringConfig(random: Random, count: number): Partial<RingConfig> {
  const order = random.chance(0.75) ? 'smallest' : 'largest';
  const position = random.chance(0.75) ? 1 : random.whole(1, Math.min(count, 4));
  return {
    election: { order, position },
    preempt: !random.chance(0.15),
    holdDownMs: random.chance(0.2) ? random.whole(100, 1500) : 0,
    minimumMembers: random.chance(0.15) ? random.whole(1, Math.ceil(count / 2)) : 1,
  };
}

function nodeTraits(random: Random, startSpreadMs: number): NodeTraits {
  return {
    canDispatch: !random.chance(0.1),
    canServe: !random.chance(0.05),
    drift: random.chance(0.3) ? random.between(-5e-4, 5e-4) : 0,
    wallSkewMs: random.chance(0.5) ? Math.floor(random.between(-5000, 5000)) : 0,
    startsAtMs: random.between(0, startSpreadMs),
  };
}

function baseWeather(random: Random, sealed: boolean): Weather {
  if (random.chance(0.4)) return CLEAR_SKY;
  return {
    ...CLEAR_SKY,
    loss: random.pick([0, 0.001, 0.01, 0.05]),
    // Without sealing nobody tells a duplicate from a second message.
    duplicate: sealed ? random.pick([0, 0.01, 0.1]) : 0,
    reorder: random.pick([0, 0.02, 0.2]),
    reorderMs: random.pick([1, 5, 20]),
    corrupt: sealed ? random.pick([0, 0.01]) : 0,
  };
}

/**
 * The loss and the pause length that must not disturb a ring (invariant 4). A heartbeat must pass every member, so what
 * loss a ring can stand falls with its size.
 */
function calmOf(random: Random, count: number): Scenario['calm'] {
  const loss = random.chance(0.5) ? 0 : count <= 16 ? 0.01 : 0.001;
  const pauses = random.chance(0.5) ? 0 : 4;
  return {
    loss,
    pauseMs: random.between(10, 90),
    pausedNodes: Array.from({ length: pauses }, () => random.whole(0, count - 1)),
  };
}

interface StormPlan {
  readonly count: number;
  readonly sealed: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  /** Faults, at most. */
  readonly most: number;
}

function randomFaults(random: Random, plan: StormPlan): Fault[] {
  const wanted = random.whole(0, plan.most);
  const faults: Fault[] = [];
  for (let i = 0; i < wanted; i++) faults.push(randomFault(random, plan));
  return faults.sort((a, b) => a.atMs - b.atMs);
}
