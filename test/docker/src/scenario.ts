/** What a scenario is: steps that are done one after the other, and what must hold at its end. */
import type { RequestEvent } from '@ringmaster/lab';
import type { Cluster, Environment } from './cluster.js';
import type { Container } from './container.js';
import type { HeldFate, Load, Timeline } from './timeline.js';

/** What steps work with. */
export interface Stage {
  readonly cluster: Cluster;
  readonly record: Timeline;
  readonly load: Load;
  /** Nodes whose connections may be lost: they were killed, stopped or cut off. Addresses. */
  readonly harmed: Set<string>;
  /** Undone at the end, the last first, whatever happens. */
  readonly cleanups: (() => Promise<void>)[];
  /** What steps remember for the conditions and for each other, by name. */
  readonly notes: Map<string, unknown>;
}

/** Which nodes a step is about, found out when it is its turn. */
export interface Pick {
  readonly who: string;
  readonly find: (stage: Stage) => Promise<readonly Container[]>;
}

export interface Step {
  /** Completes the sentence "now: ...". */
  readonly does: string;
  readonly run: (stage: Stage) => Promise<void>;
}

/** What the conditions are asked about. */
export interface Outcome {
  readonly stage: Stage;
  /** Requests that were started before the load was stopped. */
  readonly requests: readonly RequestEvent[];
  readonly fates: readonly HeldFate[];
  readonly firstFaultAt: number;
  readonly endAt: number;
}

export interface Condition {
  readonly that: string;
  /** What was found, and whether that is good. */
  readonly check: (outcome: Outcome) => { readonly ok: boolean; readonly found: string };
}

export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  /** Nodes at the beginning; 5 unless told. */
  readonly nodes?: number;
  readonly environment?: Environment;
  readonly steps: readonly Step[];
  readonly holds: readonly Condition[];
}
