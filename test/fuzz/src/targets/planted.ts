/** A bug that only four certain bytes find, each behind the one before: chance alone would need 2^32 inputs. */
import type { Target } from '../target.js';

export const target: Target = {
  maxBytes: 64,
  seeds: () => [new Uint8Array(8)],
  run(input) {
    if (input[0] === 0x52) {
      if (input[1] === 0x4d) {
        if (input[2] === 0xfa) {
          if (input[3] === 0x11) throw new RangeError('the planted bug');
        }
      }
    }
  },
};
