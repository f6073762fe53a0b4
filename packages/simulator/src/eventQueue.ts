/** Something that is going to happen. */
export interface Happening {
  run(): void;
}

/** Children of a place in the heap: with four of them a large heap is half as deep as with two. */
const FANOUT = 4;

/**
 * What is going to happen, in the order of time; at one time in the order of scheduling. A heap, whose keys lie beside
 * each other: with a hundred thousand packets under way, looking a key up in its event is what costs.
 */
export class EventQueue {
  private readonly times: number[] = [];
  private readonly orders: number[] = [];
  private readonly happenings: Happening[] = [];
  private order = 0;

  get length(): number {
    return this.times.length;
  }

  /** When the next event is due; `Infinity` when there is none. */
  get nextMs(): number {
    return this.times.length === 0 ? Infinity : (this.times[0] as number);
  }

  push(atMs: number, run: () => void): void {
    this.add(atMs, { run });
  }

  /** As `push`, for what is an object already. */
  add(atMs: number, happening: Happening): void {
    const { times, orders, happenings } = this;
    const order = this.order++;
    let at = times.length;
    while (at > 0) {
      const parent = ((at - 1) / FANOUT) | 0;
      // What is scheduled later never goes before what is due at the same time.
      if ((times[parent] as number) <= atMs) break;
      times[at] = times[parent] as number;
      orders[at] = orders[parent] as number;
      happenings[at] = happenings[parent] as Happening;
      at = parent;
    }
    times[at] = atMs;
    orders[at] = order;
    happenings[at] = happening;
  }

  /** Takes the next event out. The caller has looked whether there is one, and when it is due. */
  pop(): Happening {
    const first = this.happenings[0] as Happening;
    const atMs = this.times.pop() as number;
    const order = this.orders.pop() as number;
    const last = this.happenings.pop() as Happening;
    if (this.times.length > 0) this.sink(atMs, order, last);
    return first;
  }

  /** Puts what stood last in the place of the first, and down to where it belongs. */
  private sink(atMs: number, order: number, happening: Happening): void {
    const { times, orders, happenings } = this;
    const { length } = times;
    let at = 0;
    for (;;) {
      const child = this.earliestChild(at, length);
      if (child < 0) break;
      const childMs = times[child] as number;
      if (atMs < childMs || (atMs === childMs && order < (orders[child] as number))) break;
      times[at] = childMs;
      orders[at] = orders[child] as number;
      happenings[at] = happenings[child] as Happening;
      at = child;
    }
    times[at] = atMs;
    orders[at] = order;
    happenings[at] = happening;
  }

  private earliestChild(at: number, length: number): number {
    const { times, orders } = this;
    let best = FANOUT * at + 1;
    if (best >= length) return -1;
    const end = Math.min(best + FANOUT, length);
    let bestMs = times[best] as number;
    for (let child = best + 1; child < end; child++) {
      const ms = times[child] as number;
      if (ms > bestMs || (ms === bestMs && (orders[child] as number) > (orders[best] as number))) continue;
      best = child;
      bestMs = ms;
    }
    return best;
  }
}
