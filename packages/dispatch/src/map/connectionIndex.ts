/** How far from its home an entry may lie. At the highest load the longest run is some 250; nobody can aim at more. */
const MAX_PROBES = 1024;
const CELLS_PER_PLACE = 2;

/** Places per entry at the highest load, so that one entry costs 11.5 bytes. */
const PLACES_PER_ENTRY = 23 / 16;

/**
 * From the hash of a key to the slots that may have it: open addressing with linear probing. Hash and slot lie side by
 * side, so a search walks one run of memory and looks at a connection's record only when all 32 bits agree. Deletion
 * shifts the followers back instead of leaving a tombstone, so searches do not grow with age.
 */
export class ConnectionIndex {
  readonly byteLength: number;
  private readonly places: number;
  /** From a 32-bit hash to a place, keeping order, for any number of places. */
  private readonly scale: number;
  /** Pairs of hash and slot + 1; zero is an empty place. */
  private readonly cells: Int32Array;

  constructor(capacity: number) {
    this.places = Math.floor(capacity * PLACES_PER_ENTRY) + 1;
    this.scale = this.places / 2 ** 32;
    this.cells = new Int32Array(this.places * CELLS_PER_PLACE);
    this.byteLength = this.cells.byteLength;
  }

  /** The first place with this hash, or -1. */
  first(hash: number): number {
    return this.search(hash, this.home(hash), 0);
  }

  /** The next place with this hash after one that `first` or `next` gave, or -1. */
  next(hash: number, place: number): number {
    const distance = this.distance(this.home(hash), place);
    return this.search(hash, this.following(place), distance + 1);
  }

  /** The slot at a place that `first` or `next` gave. */
  slotAt(place: number): number {
    return this.cells[place * CELLS_PER_PLACE + 1] - 1;
  }

  /** Enters a slot; false when no place near enough is empty. */
  insert(hash: number, slot: number): boolean {
    const { cells } = this;
    let place = this.home(hash);
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const cell = place * CELLS_PER_PLACE;
      if (cells[cell + 1] === 0) {
        cells[cell] = hash;
        cells[cell + 1] = slot + 1;
        return true;
      }
      place = this.following(place);
    }
    return false;
  }

  /** Removes a slot that was entered with this hash. */
  remove(hash: number, slot: number): void {
    let place = this.first(hash);
    while (place >= 0 && this.slotAt(place) !== slot) place = this.next(hash, place);
    if (place >= 0) this.close(place);
  }

  /** Empties a place, moving back whatever would not be found across the gap. */
  private close(emptied: number): void {
    const { cells } = this;
    let hole = emptied;
    let place = this.following(emptied);
    while (cells[place * CELLS_PER_PLACE + 1] !== 0) {
      const home = this.home(cells[place * CELLS_PER_PLACE]);
      if (this.distance(home, place) >= this.distance(hole, place)) {
        cells[hole * CELLS_PER_PLACE] = cells[place * CELLS_PER_PLACE];
        cells[hole * CELLS_PER_PLACE + 1] = cells[place * CELLS_PER_PLACE + 1];
        hole = place;
      }
      place = this.following(place);
    }
    cells[hole * CELLS_PER_PLACE + 1] = 0;
  }

  private search(hash: number, from: number, distance: number): number {
    const { cells } = this;
    let place = from;
    for (let probes = distance; probes < MAX_PROBES; probes++) {
      const cell = place * CELLS_PER_PLACE;
      if (cells[cell + 1] === 0) return -1;
      if (cells[cell] === hash) return place;
      place = this.following(place);
    }
    return -1;
  }

  private home(hash: number): number {
    return ((hash >>> 0) * this.scale) | 0;
  }

  private following(place: number): number {
    return place + 1 === this.places ? 0 : place + 1;
  }

  private distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.places;
  }
}
