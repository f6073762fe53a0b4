/** A loop that does not end, for one first byte. */
import type { Target } from '../target.js';

export const target: Target = {
  maxBytes: 64,
  seeds: () => [new Uint8Array(8)],
  run(input) {
    while (input[0] === 0x21) continue;
  },
};
