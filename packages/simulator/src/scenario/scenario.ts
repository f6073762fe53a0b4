import type { RingConfig } from '@ringmaster/ring';

/** What the network does to every packet; probabilities and milliseconds. */
export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  /** Probability of an extra delay of up to `reorderMs`, by which later packets overtake. */
  readonly reorder: number;
  readonly reorderMs: number;
  /** Probability of a flipped bit. */
  readonly corrupt: number;
  /** Added to every packet. */
  readonly delayMs: number;
}

export const CLEAR_SKY: Weather = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 0,
  corrupt: 0,
  delayMs: 0,
};

/** One thing that goes wrong, from `atMs` for `forMs`. Nodes are numbered in the order of their addresses. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: 'crash'; readonly node: number; readonly silent: boolean; readonly forGood: boolean }
  /** The process, or only its main thread, stands still. */
  | { readonly kind: 'pause'; readonly node: number }
  | { readonly kind: 'stall'; readonly node: number }
  /** Its service fails: the node leaves gracefully and returns (R16). */
  | { readonly kind: 'leave'; readonly node: number; readonly forGood: boolean }
  /** `side[i]` tells which nodes can hear each other. */
  | { readonly kind: 'partition'; readonly side: readonly number[] }
  /** `from` does not reach `to`. */
  | { readonly kind: 'deaf'; readonly from: readonly number[]; readonly to: readonly number[] }
  | { readonly kind: 'unplug'; readonly node: number }
  | { readonly kind: 'flap'; readonly node: number; readonly periodMs: number }
  | { readonly kind: 'weather'; readonly weather: Weather; readonly label: string }
  /** The switch forgets every MAC address. */
  | { readonly kind: 'forget' }
  /** Bytes from nobody in particular, sent to everybody. */
  | { readonly kind: 'noise'; readonly count: number }
  /** Packets recorded earlier are sent once more. */
  | { readonly kind: 'replay'; readonly count: number }
  /** An application message, and the death of its sender while it travels. */
  | { readonly kind: 'lastWords'; readonly node: number }
);

export type FaultKind = Fault['kind'];

export interface NodeTraits {
  readonly canDispatch: boolean;
  readonly canServe: boolean;
  /** Clock speed minus one. */
  readonly drift: number;
  /** By how much its wall clock is wrong. */
  readonly wallSkewMs: number;
  readonly startsAtMs: number;
}

/** Everything that a seed decides in advance. What it does not hold is drawn while the simulation runs. */
export interface Scenario {
  readonly seed: number;
  readonly nodes: readonly NodeTraits[];
  readonly config: Partial<RingConfig>;
  /** Packets are sealed and replays refused (R20). */
  readonly sealed: boolean;
  /** Whoever starts at 0 is a member of one ring by then; absent: all come from nothing. */
  readonly formed?: boolean;
  /** The weather while faults happen. */
  readonly base: Weather;
  readonly faults: readonly Fault[];
  /** The components that stay apart for ever, by node; absent: one component. */
  readonly lastingSides?: readonly number[];
  /** All faults are over. */
  readonly stormEndMs: number;
  /** The cluster must have converged (invariant 1); from here on nothing may change (invariant 4). */
  readonly settledMs: number;
  /** The calm begins as soon as everybody has agreed for so long, and at `settledMs` at the latest; absent: only then. */
  readonly quietMs?: number;
  /** Loss and pauses of the stated size, which must not disturb anything. */
  readonly calm: { readonly loss: number; readonly pauseMs: number; readonly pausedNodes: readonly number[] };
  /** How long the calm lasts. */
  readonly calmMs: number;
  readonly clients: number;
  /** After the storm the cluster key is replaced, which must not disturb anything (R20). */
  readonly rotatesKey: boolean;
}
