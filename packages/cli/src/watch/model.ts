import {
  ratesOf,
  type MemberStatus,
  type NodeEvent,
  type Rates,
  type StatusDocument,
} from '@ringmaster/node';

/** So many values are kept for a curve. */
export const KEPT_VALUES = 60;
const KEPT_EVENTS = 200;

const NOTHING: Rates = { framesPerSecond: 0, droppedPerSecond: 0, newPerSecond: 0 };

/** What is known of the ring while it is watched. Time is given, in milliseconds. */
export class WatchModel {
  status: StatusDocument | undefined;
  /** Why there is no news; `undefined` while there is. */
  trouble: string | undefined;
  rates: Rates = NOTHING;
  readonly framesPerSecond: number[] = [];
  readonly events: NodeEvent[] = [];
  private readonly connections = new Map<string, number[]>();
  private readAtMs = 0;

  take(status: StatusDocument, atMs: number): void {
    this.rates =
      this.status === undefined
        ? NOTHING
        : ratesOf(this.status.counters, status.counters, atMs - this.readAtMs);
    this.status = status;
    this.trouble = undefined;
    this.readAtMs = atMs;
    keep(this.framesPerSecond, this.rates.framesPerSecond);
    const { members } = status.ring;
    for (const { address, load } of members) {
      const values = this.connections.get(address) ?? [];
      this.connections.set(address, values);
      keep(values, load?.connections ?? 0);
    }
    for (const address of this.connections.keys())
      if (!members.some((member) => member.address === address)) this.connections.delete(address);
  }

  fail(why: string): void {
    this.trouble = why;
  }

  /** A node that was started again counts anew: what it tells then is news as well. */
  hear(event: NodeEvent): void {
    this.events.push(event);
    if (this.events.length > KEPT_EVENTS) this.events.shift();
  }

  /** The last values of a member's open connections. */
  connectionsOf({ address }: MemberStatus): readonly number[] {
    return this.connections.get(address) ?? [];
  }
}

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length > KEPT_VALUES) values.shift();
}
