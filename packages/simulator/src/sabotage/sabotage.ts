import type { Address, Effect, Input, SessionResult } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';

/** Breaks one rule on purpose, from outside the cores: the proof that the invariants see it. */
export interface Sabotage {
  readonly name: string;
  /** What is done, and against which rule. */
  readonly breaks: string;
  /** Stands around the ring core's step; `core` is the real one. */
  step?(station: Station, input: Input, core: (input: Input) => Effect[]): Effect[];
  /** Stands around the session layer; `undefined` leaves it to the real one. */
  open?(station: Station, bytes: Uint8Array, nowMs: number): SessionResult | undefined;
  /** Whether a new dispatcher holds what it does not know. */
  hold?(): boolean;
  /** Whether `member` is asked for its connections, or taken to have none. */
  ask?(station: Station, member: Address): boolean;
  /** Whose connections those are that `member` reports. */
  reporter?(station: Station, member: Address): Address;
}
