import { Verdict } from '@ringmaster/dispatch';
import type { Effect, Input, SessionResult } from '@ringmaster/ring';
import type { Datagram } from './cluster/datagram.js';
import type { Station } from './cluster/station.js';
import type { Observer, World } from './cluster/world.js';
import type { Fault } from './scenario/scenario.js';

/** How often something happened, by name. */
export type Coverage = Record<string, number>;

/**
 * Everything that a large number of seeds must have shown: each fault, each transition of the protocol with its reason,
 * what became of clients' packets and of packets that are not to be trusted.
 */
export const EXPECTED_COVERAGE: readonly string[] = [
  ...['crash', 'pause', 'stall', 'leave', 'partition', 'deaf', 'unplug', 'flap', 'forget', 'noise'].map(
    fault,
  ),
  ...['replay', 'lastWords'].map(fault),
  'key rotation',
  ...['loss', 'delay', 'reordering', 'duplication', 'corruption'].map((kind) => `fault weather ${kind}`),
  ...['started', 'expelled by the others', 'was paused for # ms'].map((why) => `phase joining: ${why}`),
  ...['heartbeat lost', 'repair not confirmed', 'joins an older ring'].map(
    (why) => `phase joining: ring purge: ${why}`,
  ),
  ...['joined', 'the founder answered', 'founded a ring'].map((why) => `phase member: ${why}`),
  'phase left: left gracefully',
  'role candidate: elected, takes over',
  ...['elected, nobody dispatches', 'map complete', 'no longer alone'].map(
    (why) => `role dispatcher: ${why}`,
  ),
  ...['elected, nobody dispatches', 'only member left'].map((why) => `role standalone: ${why}`),
  ...['abdicated to a preferred dispatcher', 'another is elected', 'too few members', 'left the ring'].map(
    (why) => `role server: ${why}`,
  ),
  ...['gone, gap closed', 'reported gone', 'left', 'not heard of', 'the other of two, gone'].map(
    (why) => `member inactive: ${why}`,
  ),
  'member joined: announced itself',
  'member joined: announced itself, joining',
  'reassert',
  'application',
  'refused',
  ...['forward', 'local', 'hold', 'drop'].map((verdict) => `verdict ${verdict}`),
  ...['notSealed', 'notAuthentic', 'replayed', 'retiredEpoch', 'unknownEpoch'].map(
    (drop) => `session ${drop}`,
  ),
  'session established',
];

function fault(kind: string): string {
  return `fault ${kind}`;
}

const VERDICTS = Object.keys(Verdict);

/** Counts for {@link Coverage}. */
export class CoverageCounter implements Observer {
  readonly counts: Coverage = {};

  attached(world: World): void {
    if (world.scenario.rotatesKey) this.count('key rotation');
  }

  fault(fault: Fault): void {
    this.count(fault.kind === 'weather' ? `fault weather ${fault.label}` : `fault ${fault.kind}`);
  }

  stepped(_station: Station, input: Input, effects: readonly Effect[]): void {
    if (input.kind === 'refused') this.count('refused');
    for (const effect of effects) {
      if (effect.kind === 'phaseChanged') this.count(`phase ${effect.phase}: ${general(effect.reason)}`);
      else if (effect.kind === 'roleChanged') this.count(`role ${effect.role}: ${general(effect.reason)}`);
      else if (effect.kind === 'membershipChanged')
        this.count(`member ${effect.change}: ${general(effect.reason)}`);
      else if (effect.kind === 'reassert' || effect.kind === 'application') this.count(effect.kind);
    }
  }

  judged(_station: Station, _frame: Uint8Array, verdict: Verdict): void {
    this.count(`verdict ${VERDICTS[verdict]}`);
  }

  opened(_station: Station, _datagram: Datagram, result: SessionResult): void {
    if (result.drop !== undefined) this.count(`session ${result.drop}`);
    if (result.established !== undefined) this.count('session established');
  }

  private count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

/** A reason without the figures in it. */
function general(reason: string): string {
  let told = GENERAL.get(reason);
  if (told === undefined) GENERAL.set(reason, (told = reason.replace(/\d+/g, '#')));
  return told;
}

/** There are few reasons, and few figures in them. */
const GENERAL = new Map<string, string>();
