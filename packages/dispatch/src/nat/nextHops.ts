import { copyMac, isGroupMac, isZeroMac, MAC_BYTES, macEquals } from 'libnetraw/wire';
import type { ConnectionMap } from '../map/connectionMap.js';
import type { ServerTable } from '../servers.js';
import type { ServiceTree } from '../serviceTree.js';

/** Next hops are numbered from 1; one byte of a connection's record names its own. */
const MAX_HOPS = 255;

/** What next hops are told from. */
export interface NextHopsParts {
  readonly tree: ServiceTree;
  readonly servers: ServerTable;
  readonly ownMac: Uint8Array;
  /** How many connections refer to each hop; a live view. */
  readonly uses: ArrayLike<number>;
}

/**
 * The hosts that clients' frames come from - routers, and clients of the same network - by their MACs: there the servers'
 * answers go. A hop keeps its number while a connection refers to it. There may be 255 at a time; who finds no room has no
 * number, and packets to it go by the host's own routing.
 */
export class NextHops {
  /** Six bytes a hop. */
  readonly macs = new Uint8Array((MAX_HOPS + 1) * MAC_BYTES);

  private readonly parts: NextHopsParts;
  /** Hops up to this one have been given out. */
  private highest = 0;
  /** The hop that was found last: most often it is wanted again. */
  private latest = 0;

  constructor(parts: NextHopsParts) {
    this.parts = parts;
  }

  /** A frame of the client of a connection came from the MAC at `offset`: that is its next hop from now on. */
  learn(map: ConnectionMap, slot: number, memory: Uint8Array, offset: number): void {
    const known = map.hopOf(slot);
    if (known !== 0 && this.isAt(known, memory, offset)) return;
    const hop = this.numberOf(memory, offset);
    if (hop !== 0 && hop !== known) map.setHop(slot, hop);
  }

  private numberOf(memory: Uint8Array, offset: number): number {
    if (this.latest !== 0 && this.isAt(this.latest, memory, offset)) return this.latest;
    for (let hop = 1; hop <= this.highest; hop++) {
      if (this.isAt(hop, memory, offset)) return (this.latest = hop);
    }
    if (!this.canBeHop(memory, offset)) return 0;
    const hop = this.unused();
    if (hop === 0) return 0;
    copyMac(memory, offset, this.macs, hop * MAC_BYTES);
    return (this.latest = hop);
  }

  /**
   * A member's frame may be one that it has passed on for a client (see "stray"): its kernel routes nothing. A client that
   * is a member itself is reached by the host's routing.
   */
  private canBeHop(memory: Uint8Array, offset: number): boolean {
    const { tree, servers, ownMac } = this.parts;
    if (isGroupMac(memory, offset) || isZeroMac(memory, offset)) return false;
    if (macEquals(memory, offset, ownMac, 0) || tree.isVirtualMac(memory, offset)) return false;
    return !servers.isMember(memory, offset);
  }

  private unused(): number {
    if (this.highest < MAX_HOPS) return ++this.highest;
    for (let hop = 1; hop <= MAX_HOPS; hop++) {
      if (this.parts.uses[hop] === 0) return hop;
    }
    return 0;
  }

  private isAt(hop: number, memory: Uint8Array, offset: number): boolean {
    return macEquals(memory, offset, this.macs, hop * MAC_BYTES);
  }
}
