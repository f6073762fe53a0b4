import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNodeMessage, encodeNodeMessage, type NodeMessage } from '../../src/messages/nodeMessage.js';

const count = fc.integer({ min: 0, max: 0xffff_fffe });
const maybe = fc.option(count, { nil: undefined });
const number = fc.integer({ min: 0, max: 2 ** 48 - 1 });

const message: fc.Arbitrary<NodeMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('load' as const),
    connections: count,
    newPerSecond: count.map((tenths) => tenths / 10),
    acceptQueue: count,
    acceptQueueLimit: count,
    responseMs: maybe.map((us) => us && us / 1000),
    deadlineInMs: maybe,
  }),
  fc.record({
    kind: fc.constant('order' as const),
    number,
    action: fc.constantFrom('drain', 'undrain', 'abdicate'),
    durationMs: maybe,
  }),
  fc.record({
    kind: fc.constant('answer' as const),
    number,
    outcome: fc.constantFrom('done', 'already', 'notServing', 'notDispatching', 'noSuccessor'),
  }),
);

describe('messages of nodes', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeNodeMessage(encodeNodeMessage(sent))).toEqual(sent);
      }),
    );
  });

  it('are nothing when they are cut off, too long, of another version or kind', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const bytes = encodeNodeMessage(sent);
        for (let length = 0; length < bytes.length; length++)
          expect(decodeNodeMessage(bytes.subarray(0, length))).toBeUndefined();
        expect(decodeNodeMessage(Uint8Array.of(...bytes, 0))).toBeUndefined();
        expect(decodeNodeMessage(bytes.with(0, 2))).toBeUndefined();
        expect(decodeNodeMessage(bytes.with(1, 9))).toBeUndefined();
      }),
    );
  });

  it('know no other actions and outcomes', () => {
    const order = encodeNodeMessage({ kind: 'order', number: 1, action: 'drain', durationMs: 1 });
    const answer = encodeNodeMessage({ kind: 'answer', number: 1, outcome: 'done' });
    for (let code = 0; code < 256; code++) {
      if (code === 0 || code > 3) expect(decodeNodeMessage(order.with(8, code))).toBeUndefined();
      if (code > 4) expect(decodeNodeMessage(answer.with(8, code))).toBeUndefined();
    }
  });

  it('keep to their 4 bytes, whatever was measured', () => {
    const load = { kind: 'load', acceptQueue: 0, acceptQueueLimit: 0, deadlineInMs: undefined } as const;
    const sent = encodeNodeMessage({ ...load, connections: 1e12, newPerSecond: 1e12, responseMs: 1e12 });
    expect(decodeNodeMessage(sent)).toMatchObject({
      connections: 0xffff_fffe,
      responseMs: 0xffff_fffe / 1000,
    });
    const less = encodeNodeMessage({ ...load, connections: -1, newPerSecond: -1, responseMs: 0.0004 });
    expect(decodeNodeMessage(less)).toMatchObject({ connections: 0, newPerSecond: 0, responseMs: 0 });
  });
});

describe('docs/protocol.md', () => {
  const text = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
  const bytesUnder = (heading: string): number => {
    const section = text.split('### ').find((part) => part.startsWith(`${heading}\n`)) ?? '';
    return [...section.split('\n## ')[0].matchAll(/^\| (\d+) \|/gm)].reduce(
      (sum, [, bytes]) => sum + Number(bytes),
      0,
    );
  };
  const load = {
    kind: 'load',
    connections: 0,
    newPerSecond: 0,
    acceptQueue: 0,
    acceptQueueLimit: 0,
  } as const;

  it.each([
    ['Load report', { ...load, responseMs: undefined, deadlineInMs: undefined }],
    ['Order', { kind: 'order', number: 0, action: 'drain', durationMs: 0 }],
    ['Answer', { kind: 'answer', number: 0, outcome: 'done' }],
  ] as [string, NodeMessage][])('gives the layout of "%s" in full', (heading, message) => {
    expect(bytesUnder(heading)).toBe(encodeNodeMessage(message).length - 2);
  });
});
