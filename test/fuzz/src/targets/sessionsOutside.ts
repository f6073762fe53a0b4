/** R20, invariant 6: under a key, bytes from whoever does not have it are dropped, never answered, and change nothing. */
import { encodePacket, MessageType, Sessions } from '@ringmaster/ring';
import { NodeCryptography } from '../../../../packages/transport/dist/cryptography.js';
import { Choices, must, type Target } from '../target.js';

const RECORDED = 16;
const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const hello = encodePacket([
  { ttl: 1, destination: 0, source: 1, type: MessageType.alive, body: new Uint8Array(0) },
]);

function boot(self: number): Sessions {
  const crypto = new NodeCryptography([key], 'packets');
  return new Sessions({ self, epoch: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, self), crypto });
}

const alice = boot(1);
const bob = boot(2);
/** Everything that was ever said to Bob: the outsider has heard it, and Bob has had it. */
const heard: Uint8Array[] = [];

function meet(): void {
  let packet: Uint8Array | undefined = alice.seal(hello);
  for (let turn = 0; packet !== undefined && turn < 10; turn++) {
    if (turn % 2 === 0) heard.push(packet);
    packet = (turn % 2 === 0 ? bob : alice).receive(packet, 0).reply;
  }
  while (heard.length < RECORDED) {
    const next = alice.seal(hello);
    must(bob.receive(next, 0).deliver !== undefined, 'the two have not met');
    heard.push(next);
  }
  // What was said before Alice was believed may still come late, once.
  for (const packet of heard) bob.receive(packet, 0);
}
meet();

/** What a hostile packet could change, by its private names. */
const stateOf = (sessions: Sessions): string =>
  [
    sessions['counter'],
    sessions['byEpoch'].size,
    sessions['retired'].size,
    sessions['allowance'],
    [...sessions['byEpoch'].values()].map(
      ({ address, window }) => `${address} ${window['greatest']} ${window['seen']}`,
    ),
  ].join();

/** Bytes as they are, or something recorded with changes. */
function hostile(choices: Choices): Uint8Array {
  const which = choices.below(2 * RECORDED);
  if (which >= RECORDED) return choices.rest();
  const packet = heard[which].slice();
  const changes = choices.below(8);
  for (let i = 0; i < changes; i++) packet[choices.byte() % packet.length] ^= choices.byte();
  return choices.below(4) === 0 ? packet.slice(0, choices.byte()) : packet;
}

export const target: Target = {
  maxBytes: 448,
  seeds: () => [...heard.map((packet) => Uint8Array.from([RECORDED, ...packet])), Uint8Array.of(3, 1, 20, 1)],
  run(input) {
    const before = stateOf(bob);
    const result = bob.receive(hostile(new Choices(input)), 1);
    must(result.drop !== undefined, 'not dropped');
    must(result.deliver === undefined, 'delivered');
    must(result.established === undefined, 'believed');
    must(result.reply === undefined, 'answered');
    must(stateOf(bob) === before, `${before} became ${stateOf(bob)}`);
  },
};
