/** What nodes tell each other: a message comes out and goes in again as it was, or it is none. */
import { decodeNodeMessage, encodeNodeMessage } from '../../../../packages/node/dist/messages/nodeMessage.js';
import { must, type Target } from '../target.js';

export const target: Target = {
  maxBytes: 64,
  seeds: () => [
    encodeNodeMessage({
      kind: 'load',
      connections: 10,
      newPerSecond: 1.5,
      acceptQueue: 1,
      acceptQueueLimit: 128,
      responseMs: 2.5,
      deadlineInMs: undefined,
    }),
    encodeNodeMessage({ kind: 'order', number: 77, action: 'drain', durationMs: 60_000 }),
    encodeNodeMessage({ kind: 'order', number: 2 ** 48 - 1, action: 'abdicate', durationMs: undefined }),
    encodeNodeMessage({ kind: 'answer', number: 77, outcome: 'already' }),
  ],
  run(input) {
    const message = decodeNodeMessage(input);
    if (message === undefined) return;
    must(Buffer.compare(encodeNodeMessage(message), input) === 0, 'another message');
    for (const value of Object.values(message)) {
      must(typeof value !== 'number' || (value >= 0 && value < 2 ** 48), `${value}`);
    }
  },
};
