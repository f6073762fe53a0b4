import { Word } from './connectionRecord.js';

const NOBODY = -1;

/** The connections of one state in the order in which they came to it, linked through their records. */
export class AgeList {
  /** The slot that came first, or -1. */
  oldest = NOBODY;
  private newest = NOBODY;
  private readonly records: Int32Array;
  private readonly recordWords: number;

  constructor(records: Int32Array, recordWords: number) {
    this.records = records;
    this.recordWords = recordWords;
  }

  /** Makes `slot` the newest. */
  append(slot: number): void {
    const { records, recordWords } = this;
    records[slot * recordWords + Word.older] = this.newest;
    records[slot * recordWords + Word.newer] = NOBODY;
    if (this.newest === NOBODY) this.oldest = slot;
    else records[this.newest * recordWords + Word.newer] = slot;
    this.newest = slot;
  }

  /** Takes out a slot that is in this list. */
  remove(slot: number): void {
    const { records, recordWords } = this;
    const older = records[slot * recordWords + Word.older];
    const newer = records[slot * recordWords + Word.newer];
    if (older === NOBODY) this.oldest = newer;
    else records[older * recordWords + Word.newer] = newer;
    if (newer === NOBODY) this.newest = older;
    else records[newer * recordWords + Word.older] = older;
  }
}
