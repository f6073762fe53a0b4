/** Attributes of netlink messages: visited in order, inside the message, as many as fit. */
import {
  attributeText,
  forEachAttribute,
  withAttributes,
} from '../../../../packages/libnetraw/dist/netlink/attributes.js';
import { must, type Target } from '../target.js';

const HEADER_BYTES = 4;
const GUARD_BYTES = 8;

export const target: Target = {
  maxBytes: 256,
  seeds: () => [
    withAttributes(new Uint8Array(0), [
      [1, Uint8Array.of(10, 0, 0, 1)],
      [3, Buffer.from('eth0\0')],
      [0x8002, new Uint8Array(16)],
    ]),
  ],
  run(input) {
    const memory = new Uint8Array(input.length + 2 * GUARD_BYTES).fill(0x08);
    memory.set(input, GUARD_BYTES);
    const view = new DataView(memory.buffer);
    const end = GUARD_BYTES + input.length;
    let at = GUARD_BYTES;
    forEachAttribute(view, GUARD_BYTES, end, (type, value) => {
      must(type >= 0 && type < 0x4000, `type ${type}`);
      must(value.byteOffset >= at + HEADER_BYTES, 'an attribute twice');
      at = value.byteOffset + value.length;
      must(at <= end, 'an attribute beyond the message');
      must(!attributeText(value).includes('\0'), 'a zero in a text');
    });
  },
};
