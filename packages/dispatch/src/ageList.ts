import { RECORD_WORDS, Word } from './connectionRecord.js';

const NOBODY = -1;

/** The connections of one state in the order in which they came to it, linked through their records. */
export class AgeList {
  /** The slot that came first, or -1. */
  oldest = NOBODY;
  private newest = NOBODY;
  private readonly records: Int32Array;

  constructor(records: Int32Array) {
    this.records = records;
  }

  /** Makes `slot` the newest. */
  append(slot: number): void {
    const { records } = this;
    records[slot * RECORD_WORDS + Word.older] = this.newest;
    records[slot * RECORD_WORDS + Word.newer] = NOBODY;
    if (this.newest === NOBODY) this.oldest = slot;
    else records[this.newest * RECORD_WORDS + Word.newer] = slot;
    this.newest = slot;
  }

  /** Takes out a slot that is in this list. */
  remove(slot: number): void {
    const { records } = this;
    const older = records[slot * RECORD_WORDS + Word.older];
    const newer = records[slot * RECORD_WORDS + Word.newer];
    if (older === NOBODY) this.oldest = newer;
    else records[older * RECORD_WORDS + Word.newer] = newer;
    if (newer === NOBODY) this.newest = older;
    else records[newer * RECORD_WORDS + Word.older] = older;
  }
}
