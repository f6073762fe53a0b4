/**
 * The shortest input found that still has a property: pieces are taken out, large ones first, then bytes become zero.
 * @param keeps whether a candidate still has the property
 * @param budget most candidates to try
 */
export async function shrink(
  input: Uint8Array,
  keeps: (candidate: Uint8Array) => Promise<boolean>,
  budget: number,
): Promise<Uint8Array> {
  let best = input;
  let tries = 0;
  const attempt = async (candidate: Uint8Array): Promise<boolean> => {
    if (tries >= budget) return false;
    tries++;
    if (!(await keeps(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = Math.max(1, best.length >> 1); size >= 1; size >>= 1) {
    for (let at = 0; at < best.length;) {
      if (!(await attempt(without(best, at, size)))) at += size;
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] !== 0) await attempt(best.with(at, 0));
  }
  return best;
}

function without(input: Uint8Array, at: number, size: number): Uint8Array {
  const end = Math.min(input.length, at + size);
  const shorter = new Uint8Array(input.length - (end - at));
  shorter.set(input.subarray(0, at));
  shorter.set(input.subarray(end), at);
  return shorter;
}
