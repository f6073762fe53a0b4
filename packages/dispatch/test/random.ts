/** Marsaglia's xorshift32: numbers below a bound, the same ones in every run. */
export function randomOf(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}
