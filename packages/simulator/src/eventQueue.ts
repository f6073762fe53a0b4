/** What is going to happen, in the order of time; at one time in the order of scheduling. A binary heap. */
export class EventQueue {
  private readonly heap: Event[] = [];
  private order = 0;

  get length(): number {
    return this.heap.length;
  }

  /** When the next event is due; `Infinity` when there is none. */
  get nextMs(): number {
    return this.heap.length === 0 ? Infinity : (this.heap[0] as Event).atMs;
  }

  push(atMs: number, run: () => void): void {
    const event = { atMs, order: this.order++, run };
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes the next event out. The caller has looked whether there is one. */
  pop(): Event {
    const { heap } = this;
    const first = heap[0] as Event;
    const last = heap.pop() as Event;
    if (heap.length > 0) this.sink(last);
    return first;
  }

  private sink(event: Event): void {
    const { heap } = this;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (!isBefore(below, event)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = event;
  }
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
