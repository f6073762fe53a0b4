/** What istanbul's instrumentation counts, by module: statements, functions, branches (each with its ways). */
export type CoverageObject = Record<
  string,
  { s: Record<string, number>; f: Record<string, number>; b: Record<string, ArrayLike<number>> }
>;

/**
 * How often something ran is remembered as one of eight classes - 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more - as AFL does:
 * once more round a loop is news, the hundredth time is not.
 */
const CLASS_BIT = Uint8Array.from({ length: 256 }, (_, count) => {
  const firsts = [1, 2, 3, 4, 8, 16, 32, 128];
  const index = firsts.findLastIndex((first) => count >= first);
  return index < 0 ? 0 : 1 << index;
});

/** The counters of all instrumented modules in one array, and which of them were ever reached how often. */
export class Coverage {
  /** How many places are counted. */
  readonly size: number;
  private readonly counters: Uint8Array;
  private readonly words: Uint32Array;
  /** By counter, the classes seen so far. */
  private seen: Uint8Array;

  /** Makes the modules of `coverage` count in this object from now on. */
  constructor(coverage: CoverageObject) {
    this.size = Object.values(coverage).reduce((sum, module) => sum + placesOf(module), 0);
    const words = Math.ceil(this.size / 4);
    this.counters = new Uint8Array(words * 4);
    this.words = new Uint32Array(this.counters.buffer);
    this.seen = new Uint8Array(words * 4);
    let at = 0;
    const claim = (length: number): Uint8Array => this.counters.subarray(at, (at += length));
    for (const module of Object.values(coverage)) {
      module.s = claim(Object.keys(module.s).length) as unknown as Record<string, number>;
      module.f = claim(Object.keys(module.f).length) as unknown as Record<string, number>;
      for (const [branch, ways] of Object.entries(module.b)) module.b[branch] = claim(ways.length);
    }
  }

  /** How many places were ever reached. */
  get reached(): number {
    return this.seen.reduce((sum, classes) => sum + (classes === 0 ? 0 : 1), 0);
  }

  /** To be called before each run. */
  reset(): void {
    this.counters.fill(0);
  }

  /** Forgets what was seen, to judge a corpus from the start. */
  forget(): void {
    this.seen.fill(0);
  }

  /** Whether the run since `reset` did something for the first time; it is remembered. */
  isNews(): boolean {
    const { words, counters, seen } = this;
    let news = false;
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue;
      for (let at = word * 4; at < word * 4 + 4; at++) {
        const fresh = CLASS_BIT[counters[at]] & ~seen[at];
        if (fresh === 0) continue;
        seen[at] |= fresh;
        news = true;
      }
    }
    return news;
  }

  /** What the run since `reset` did that was not seen before, as a list of counter and class; nothing is remembered. */
  news(): number[] {
    const found: number[] = [];
    for (let at = 0; at < this.size; at++) {
      const fresh = CLASS_BIT[this.counters[at]] & ~this.seen[at];
      if (fresh !== 0) found.push(at * 256 + fresh);
    }
    return found;
  }
}

function placesOf(module: CoverageObject[string]): number {
  const ways = Object.values(module.b).reduce((sum, branch) => sum + branch.length, 0);
  return Object.keys(module.s).length + Object.keys(module.f).length + ways;
}
