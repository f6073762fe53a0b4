/** Sessions among those who have the key, one of whom says anything: nothing is thrown, everything is bounded. */
import { sealPacket } from '../../../../packages/ring/dist/session/envelope.js';
import { Sessions } from '../../../../packages/ring/dist/session/sessions.js';
import { ByteWriter } from '../../../../packages/ring/dist/wire/bytes.js';
import { MessageType } from '../../../../packages/ring/dist/wire/messages.js';
import { encodePacket } from '../../../../packages/ring/dist/wire/packet.js';
import { Choices, must, type Target } from '../target.js';
import { openCryptography } from './openCryptography.js';
import { packetSeeds } from './ringPacket.js';

const SELF = 1;
const MAX_PACKETS = 16;
const EPOCH = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
const STRANGERS = [EPOCH, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 9)];
const crypto = openCryptography();

const NOTHING = new Uint8Array(0);
const direct = (type: number, body: Uint8Array): Uint8Array =>
  encodePacket([{ ttl: 1, destination: 0, source: 1, type, body }]);

/** The proof that a sender of `epoch` would give at `nowMs` for having `address`. */
function proofOf(epoch: Uint8Array, address: number, nowMs: number): Uint8Array {
  const asked = new ByteWriter(14)
    .put(epoch)
    .uint(Math.floor(nowMs / 2000), 6)
    .finish();
  return direct(MessageType.proof, new ByteWriter(22).put(crypto.token(asked)).uint(address, 6).finish());
}

/** What one packet says: anything, or the handshake's own messages. */
function plainPacket(choices: Choices, epoch: Uint8Array, nowMs: number): Uint8Array {
  switch (choices.below(4)) {
    case 0:
      return proofOf(epoch, choices.byte(), nowMs);
    case 1:
      return direct(MessageType.challenge, new ByteWriter(24).put(EPOCH).put(new Uint8Array(16)).finish());
    case 2:
      return direct(MessageType.alive, NOTHING);
    default:
      return Uint8Array.from([choices.byte() & 127, ...choices.block()]);
  }
}

export const target: Target = {
  maxBytes: 512,
  seeds: () => [
    Uint8Array.of(1, 1, 0, 2, 0, 1, 2, 2, 0, 2, 0, 1, 1),
    ...packetSeeds().map((p) =>
      Uint8Array.from([1, 1, 0, 2, 0, 1, 2, 3, p[0], p.length - 1, ...p.subarray(1)]),
    ),
  ],
  run(input) {
    const choices = new Choices(input);
    const sessions = new Sessions({ self: SELF, epoch: EPOCH, crypto });
    let nowMs = 0;
    for (let n = 0; n < MAX_PACKETS && choices.remaining > 0; n++) {
      const epoch = choices.of(STRANGERS);
      const counter = choices.byte();
      nowMs += 16 * choices.byte();
      const plain = plainPacket(choices, epoch, nowMs);
      const { deliver, established, reply, drop } = sessions.receive(
        sealPacket(plain, epoch, counter, crypto),
        nowMs,
      );
      must(
        (drop === undefined) === (deliver !== undefined || established !== undefined),
        `${drop} and yet taken`,
      );
      if (deliver) must(Buffer.compare(deliver.packet, plain) === 0, 'delivered something else');
      must(deliver?.from !== SELF && established !== SELF, 'somebody else is taken for this one');
      must(epoch !== EPOCH || drop === 'ownPacket', 'own packet heeded');
      must(reply === undefined || reply.length < 128, `an answer of ${reply?.length} bytes`);
      must(sessions['byEpoch'].size <= STRANGERS.length - 1, 'sessions of nobody');
      must(sessions['epochOf'].size === sessions['byEpoch'].size, 'addresses and epochs differ');
    }
  },
};
