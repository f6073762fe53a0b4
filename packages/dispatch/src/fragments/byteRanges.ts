/** Pieces of a packet that may be known at a time without touching each other. In order there is one; more is disorder. */
export const MAX_RANGES = 8;

/** What became of a range that was added. */
export const RangeResult = {
  added: 0,
  /** All its bytes were there already. */
  duplicate: 1,
  /** Some of its bytes were there already. */
  overlap: 2,
  /** It would be one piece too many. */
  tooMany: 3,
} as const;

export type RangeResult = (typeof RangeResult)[keyof typeof RangeResult];

/** For each of a fixed number of packets, which of its bytes have come: ranges that neither touch nor overlap. */
export class ByteRanges {
  private readonly starts: Uint16Array;
  private readonly ends: Uint16Array;
  private readonly counts: Uint8Array;

  constructor(packets: number) {
    this.starts = new Uint16Array(packets * MAX_RANGES);
    this.ends = new Uint16Array(packets * MAX_RANGES);
    this.counts = new Uint8Array(packets);
  }

  /** Forgets a packet's ranges. */
  clear(packet: number): void {
    this.counts[packet] = 0;
  }

  /** Adds the bytes from `start` up to and without `end` of a packet. */
  add(packet: number, start: number, end: number): RangeResult {
    const { starts, ends, counts } = this;
    const first = packet * MAX_RANGES;
    const last = first + counts[packet];
    let before = -1;
    let after = -1;
    for (let at = first; at < last; at++) {
      if (start < ends[at] && end > starts[at]) {
        return start >= starts[at] && end <= ends[at] ? RangeResult.duplicate : RangeResult.overlap;
      }
      if (ends[at] === start) before = at;
      if (starts[at] === end) after = at;
    }
    if (before >= 0) this.extend(packet, before, after, end);
    else if (after >= 0) starts[after] = start;
    else if (last === first + MAX_RANGES) return RangeResult.tooMany;
    else this.append(packet, start, end);
    return RangeResult.added;
  }

  /** Whether all bytes up to and without `end` have come, and none behind. */
  isWhole(packet: number, end: number): boolean {
    const at = packet * MAX_RANGES;
    return this.counts[packet] === 1 && this.starts[at] === 0 && this.ends[at] === end;
  }

  /** Whether a byte at or behind `end` has come. */
  reachesBeyond(packet: number, end: number): boolean {
    const first = packet * MAX_RANGES;
    for (let at = first; at < first + this.counts[packet]; at++) {
      if (this.ends[at] > end) return true;
    }
    return false;
  }

  /** Makes a range longer at its end, up to the range behind it if they meet now. */
  private extend(packet: number, before: number, after: number, end: number): void {
    const { starts, ends, counts } = this;
    if (after < 0) {
      ends[before] = end;
      return;
    }
    ends[before] = ends[after];
    counts[packet]--;
    const last = packet * MAX_RANGES + counts[packet];
    starts[after] = starts[last];
    ends[after] = ends[last];
  }

  private append(packet: number, start: number, end: number): void {
    const at = packet * MAX_RANGES + this.counts[packet]++;
    this.starts[at] = start;
    this.ends[at] = end;
  }
}
