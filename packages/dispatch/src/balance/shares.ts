import { mix32 } from '../map/halfSipHash.js';

/** Who takes a share of the clients. */
export interface SharingMember {
  /** Its name, an unsigned IPv4 address. */
  readonly address: number;
  /** Up to 255; a heavier one has more of the buckets. 0: none. */
  readonly weight: number;
}

/**
 * Broadcast dispatch: which member has which bucket of clients. Each bucket is its that scores highest for it (rendezvous
 * hashing: Thaler and Ravishankar, 1998), so that all who know the same members say the same, one who goes leaves its
 * buckets to the others, and one who comes takes only what is its own from then on. With weights as Schindelhauer and Schomaker
 * do it (2005): the logarithm is the same wherever this runs, for the engine brings its own.
 *
 * @returns for each bucket the address of its member; empty when nobody takes any
 */
export function shareBuckets(members: readonly SharingMember[], buckets: number): number[] {
  const taking = members.filter(({ weight }) => weight > 0);
  if (taking.length === 0) return [];
  return Array.from({ length: buckets }, (_, bucket) => {
    let owner = 0;
    let best = -1;
    for (const { address, weight } of taking) {
      const score = scoreOf(address, bucket, weight);
      // Equal scores are as good as impossible, and must not depend on who stands first.
      if (score < best || (score === best && address > owner)) continue;
      best = score;
      owner = address;
    }
    return owner;
  });
}

function scoreOf(address: number, bucket: number, weight: number): number {
  const hash = mix32(mix32(address) ^ mix32(Math.imul(bucket + 1, 0x9e37_79b1))) >>> 0;
  return weight / -Math.log((hash + 0.5) / 2 ** 32);
}
