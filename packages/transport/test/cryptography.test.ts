import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodePacket, MessageType, Sessions } from '@ringmaster/ring';
import { NodeCryptography } from '../src/index.js';

const nonce = (n: number): Buffer => Buffer.alloc(12, n);
const text = Buffer.from('heartbeat');
const head = Buffer.from('head');

describe('NodeCryptography', () => {
  it('opens what it sealed, and nothing that was changed', () => {
    const crypto = new NodeCryptography([randomBytes(32)], 'packets');
    const sealed = crypto.seal(nonce(1), head, text);
    const id = crypto.sealingKeyId;
    expect(crypto.open(id, nonce(1), head, sealed)).toEqual(text);
    expect(crypto.open(id, nonce(2), head, sealed)).toBeUndefined();
    expect(crypto.open(id, nonce(1), Buffer.from('heap'), sealed)).toBeUndefined();
    expect(crypto.open(id, nonce(1), head, sealed.subarray(1))).toBeUndefined();
    expect(crypto.open(id, nonce(1), head, sealed.subarray(0, 15))).toBeUndefined();
    expect(crypto.open((id + 1) & 255, nonce(1), head, sealed)).toBeUndefined();
  });

  it('keeps purposes apart: a packet is no bulk record', () => {
    const key = randomBytes(32);
    const packets = new NodeCryptography([key], 'packets');
    const bulk = new NodeCryptography([key], 'bulk');
    const sealed = packets.seal(nonce(1), head, text);
    expect(bulk.open(packets.sealingKeyId, nonce(1), head, sealed)).toBeUndefined();
  });

  it('opens with every key and seals with the first, so that keys rotate', () => {
    const [before, after] = [randomBytes(32), randomBytes(32)];
    const oldOnly = new NodeCryptography([before], 'packets');
    const both = new NodeCryptography([after, before], 'packets');
    const newOnly = new NodeCryptography([after], 'packets');
    const fromOld = oldOnly.seal(nonce(1), head, text);
    const fromBoth = both.seal(nonce(1), head, text);
    expect(both.open(oldOnly.sealingKeyId, nonce(1), head, fromOld)).toEqual(text);
    expect(newOnly.open(both.sealingKeyId, nonce(1), head, fromBoth)).toEqual(text);
    expect(newOnly.open(oldOnly.sealingKeyId, nonce(1), head, fromOld)).toBeUndefined();
  });

  it('refuses keys of another length', () => {
    expect(() => new NodeCryptography([randomBytes(31)], 'packets')).toThrow('32 bytes');
    expect(() => new NodeCryptography([], 'packets')).toThrow('at least one');
  });

  it('carries sessions: real sealing under the real handshake', () => {
    const key = randomBytes(32);
    const boot = (self: number) =>
      new Sessions({ self, epoch: randomBytes(8), crypto: new NodeCryptography([key], 'packets') });
    const [a, b] = [boot(1), boot(2)];
    const hello = encodePacket([
      { ttl: 1, destination: 0, source: 1, type: MessageType.alive, body: new Uint8Array(0) },
    ]);
    const challenge = b.receive(a.seal(hello), 0).reply as Uint8Array;
    const proof = a.receive(challenge, 0).reply as Uint8Array;
    expect(b.receive(proof, 0).established).toBe(1);
    const packet = a.seal(hello);
    // 29 bytes of envelope: 13 behind the header, 16 of tag.
    expect(packet.length).toBe(hello.length + 29);
    expect(b.receive(packet, 0).deliver?.from).toBe(1);
  });
});
