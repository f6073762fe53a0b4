/** Records of a byte stream: however it is cut up, the same records come out, and no more bytes than went in. */
import { RecordReader } from '../../../../packages/transport/dist/bulk.js';
import { encodePacket, sealPacket } from '@ringmaster/ring';
import { Choices, must, type Target } from '../target.js';
import { openCryptography } from './openCryptography.js';

const crypto = openCryptography();
const EPOCH = new Uint8Array(8).fill(5);

interface Outcome {
  readonly ok: boolean;
  readonly payloads: Uint8Array[];
}

/** Reads `stream` in pieces of the sizes that `cut` gives. */
function read(stream: Uint8Array, sealed: boolean, cut: () => number): Outcome {
  const reader = new RecordReader(sealed ? crypto : undefined);
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < stream.length;) {
    const end = Math.min(stream.length, at + Math.max(1, cut()));
    const result = reader.push(stream.subarray(at, end));
    if (!result.ok) return { ok: false, payloads };
    payloads.push(...result.payloads);
    at = end;
  }
  return { ok: true, payloads };
}

function record(content: Uint8Array): number[] {
  return [0, 0, content.length >> 8, content.length & 255, ...content];
}

const plain = [
  ...record(Uint8Array.of(1, 10, 11)),
  ...record(Uint8Array.of(1)),
  ...record(Uint8Array.of(1, 12)),
];
const sealed = [1, 2, 3].flatMap((counter) =>
  record(sealPacket(encodePacket([]).with(0, 1), EPOCH, counter, crypto)),
);

export const target: Target = {
  maxBytes: 512,
  seeds: () => [Uint8Array.from([0, 3, ...plain]), Uint8Array.from([1, 3, ...sealed])],
  run(input) {
    const choices = new Choices(input);
    const isSealed = choices.below(2) === 1;
    const step = choices.byte();
    const stream = choices.rest();
    const whole = read(stream, isSealed, () => stream.length);
    let size = step;
    const pieces = read(stream, isSealed, () => (size = (size * 5 + 1) & 63));
    must(whole.ok === pieces.ok, 'the cuts decide whether it is believed');
    const bytes = pieces.payloads.reduce((sum, payload) => sum + payload.length, 0);
    must(bytes <= stream.length, `${bytes} bytes out of ${stream.length}`);
    // A broken stream gives what came before the break, if it came in time; a whole one gives all.
    if (!whole.ok) return;
    must(whole.payloads.length === pieces.payloads.length, 'the cuts decide how many there are');
    for (const [n, payload] of whole.payloads.entries()) {
      must(Buffer.compare(payload, pieces.payloads[n]) === 0, 'the cuts decide what is in it');
    }
  },
};
