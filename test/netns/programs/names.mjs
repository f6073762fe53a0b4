// A name server for one name, as Docker has one for its services: answers with these IPv4 addresses (RFC 1035).
//   node names.mjs NAME ADDRESS...
import { createSocket } from 'node:dgram';

const [name, ...addresses] = process.argv.slice(2);
const HEADER_BYTES = 12;
const TYPE_A = 1;
const [OK, NO_SUCH_NAME] = [0, 3];
const TTL_S = 1;

/** The question in a message: labels with their lengths, an empty one, type and class. */
function questionIn(message) {
  const labels = [];
  let at = HEADER_BYTES;
  while (message[at] !== 0) {
    labels.push(message.toString('ascii', at + 1, at + 1 + message[at]));
    at += 1 + message[at];
  }
  return {
    asked: labels.join('.'),
    type: message.readUInt16BE(at + 1),
    bytes: message.subarray(HEADER_BYTES, at + 5),
  };
}

function answerTo(message) {
  const { asked, type, bytes } = questionIn(message);
  const found = asked === name && type === TYPE_A ? addresses : [];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(message.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8180 | (asked === name ? OK : NO_SUCH_NAME), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found.length, 6);
  // The name is where the question has it; type A, class IN, lifetime, four bytes.
  const records = found.map((address) =>
    Buffer.from([
      0xc0,
      HEADER_BYTES,
      0,
      TYPE_A,
      0,
      1,
      0,
      0,
      0,
      TTL_S,
      0,
      4,
      ...address.split('.').map(Number),
    ]),
  );
  return Buffer.concat([header, bytes, ...records]);
}

const socket = createSocket('udp4');
socket.on('message', (message, { address, port }) => socket.send(answerTo(message), port, address));
socket.bind(53, '127.0.0.1', () => process.stdout.write('listens\n'));
