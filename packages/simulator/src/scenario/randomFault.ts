import type { Random } from '../random.js';
import type { Fault, Weather } from './scenario.js';
import { CLEAR_SKY } from './scenario.js';

export interface FaultPlan {
  /** Nodes of the cluster. */
  readonly count: number;
  readonly sealed: boolean;
  readonly fromMs: number;
  /** All faults but those for good are over by then. */
  readonly toMs: number;
}

type Draw = (random: Random, plan: FaultPlan) => DistributiveOmit<Fault, 'atMs' | 'forMs'>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

const node = (random: Random, plan: FaultPlan): number => random.whole(0, plan.count - 1);

/** How often each fault is drawn, relative to the others. */
const DRAWS: readonly (readonly [number, Draw])[] = [
  [
    8,
    (r, p) => ({
      kind: 'crash',
      node: node(r, p),
      silent: r.chance(0.4),
      forGood: p.count > 1 && r.chance(0.3),
    }),
  ],
  [4, (r, p) => ({ kind: 'pause', node: node(r, p) })],
  [2, (r, p) => ({ kind: 'stall', node: node(r, p) })],
  [3, (r, p) => ({ kind: 'leave', node: node(r, p), forGood: false })],
  [4, (r, p) => ({ kind: 'partition', side: sides(r, p.count) })],
  [2, (r, p) => ({ kind: 'deaf', from: some(r, p.count), to: some(r, p.count) })],
  [2, (r, p) => ({ kind: 'unplug', node: node(r, p) })],
  [2, (r, p) => ({ kind: 'flap', node: node(r, p), periodMs: r.pick([5, 40, 150, 400]) })],
  [3, (r, p) => ({ kind: 'weather', ...storm(r, p.sealed) })],
  [1, () => ({ kind: 'forget' })],
  [1, (r) => ({ kind: 'noise', count: r.whole(1, 20) })],
  [1, (r) => ({ kind: 'replay', count: r.whole(1, 40) })],
  [1, (r, p) => ({ kind: 'lastWords', node: node(r, p) })],
];

const TOTAL = DRAWS.reduce((sum, [weight]) => sum + weight, 0);

export function randomFault(random: Random, plan: FaultPlan): Fault {
  const atMs = random.between(plan.fromMs, plan.toMs);
  const forMs = Math.min(
    plan.toMs - atMs,
    random.pick([5, 60, 150, 300, 700, 2000]) * random.between(0.5, 1.5),
  );
  let at = random.between(0, TOTAL);
  for (const [weight, draw] of DRAWS) {
    at -= weight;
    if (at < 0) return { atMs, forMs, ...draw(random, plan) };
  }
  return { atMs, forMs, kind: 'forget' };
}

function sides(random: Random, count: number): number[] {
  const most = random.chance(0.2) ? 2 : 1;
  return Array.from({ length: count }, () => random.whole(0, most));
}

/** A few nodes, at least one. */
function some(random: Random, count: number): number[] {
  const chosen = new Set([random.whole(0, count - 1)]);
  while (random.chance(0.4)) chosen.add(random.whole(0, count - 1));
  return [...chosen];
}

function storm(random: Random, sealed: boolean): { label: string; weather: Weather } {
  const label = random.pick([
    'loss',
    'delay',
    'reordering',
    ...(sealed ? ['duplication', 'corruption'] : []),
  ]);
  switch (label) {
    case 'loss':
      return { label, weather: { ...CLEAR_SKY, loss: random.pick([0.1, 0.3, 0.7, 1]) } };
    case 'delay':
      return { label, weather: { ...CLEAR_SKY, delayMs: random.pick([5, 30, 100, 300]) } };
    case 'reordering':
      return { label, weather: { ...CLEAR_SKY, reorder: 0.5, reorderMs: random.pick([10, 60, 200]) } };
    case 'duplication':
      return { label, weather: { ...CLEAR_SKY, duplicate: random.pick([0.3, 1]) } };
    default:
      return { label, weather: { ...CLEAR_SKY, corrupt: random.pick([0.1, 0.5]) } };
  }
}
