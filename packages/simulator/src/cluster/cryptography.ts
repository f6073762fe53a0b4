import type { Cryptography } from '@ringmaster/ring';

const TAG_BYTES = 16;

/**
 * What stands for the AEAD in a simulation: nothing is secret, but a tag over key, nonce and all bytes makes every
 * accidental or random change fail to open, as the real one does. Cheap, and without a dependency.
 */
export class PretendCryptography implements Cryptography {
  /** Live keys by id, as numbers. */
  private readonly keys: Map<number, number>;
  private readonly secret: number;
  private readonly expected = new Uint8Array(TAG_BYTES);
  sealingKeyId: number;

  constructor(keys: ReadonlyMap<number, number>, sealingKeyId: number, secret: number) {
    this.keys = new Map(keys);
    this.sealingKeyId = sealingKeyId;
    this.secret = secret;
  }

  /** Key rotation: both keys open from now on. */
  accept(keyId: number, key: number): void {
    this.keys.set(keyId, key);
  }

  forget(keyId: number): void {
    this.keys.delete(keyId);
  }

  seal(nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    sealed.set(plaintext);
    writeTag(sealed, plaintext.length, this.keys.get(this.sealingKeyId) ?? 0, [nonce, associated, plaintext]);
    return sealed;
  }

  open(
    keyId: number,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined {
    const key = this.keys.get(keyId);
    if (key === undefined || ciphertext.length < TAG_BYTES) return undefined;
    // A broadcast is opened by everybody, and is the same for all that have the key.
    if (latest.ciphertext === ciphertext && latest.associated === associated && latest.key === key)
      return latest.plaintext;
    const plaintext = this.opened(key, nonce, associated, ciphertext);
    latest = { ciphertext, associated, key, plaintext };
    return plaintext;
  }

  private opened(
    key: number,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined {
    const plaintext = ciphertext.subarray(0, ciphertext.length - TAG_BYTES);
    writeTag(this.expected, 0, key, [nonce, associated, plaintext]);
    for (let i = 0; i < TAG_BYTES; i++) {
      if (this.expected[i] !== ciphertext[plaintext.length + i]) return undefined;
    }
    return plaintext;
  }

  token(data: Uint8Array): Uint8Array {
    const token = new Uint8Array(TAG_BYTES);
    writeTag(token, 0, this.secret, [data]);
    return token;
  }
}

interface Opened {
  readonly ciphertext: Uint8Array;
  readonly associated: Uint8Array;
  readonly key: number;
  readonly plaintext: Uint8Array | undefined;
}

const NO_BYTES = new Uint8Array(0);
let latest: Opened = { ciphertext: NO_BYTES, associated: NO_BYTES, key: 0, plaintext: undefined };

/** Two FNV-1a style hashes, mixed into four words. */
function writeTag(into: Uint8Array, at: number, key: number, parts: readonly Uint8Array[]): void {
  let one = (0x811c9dc5 ^ key) | 0;
  let two = (0x9e3779b9 + key) | 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const byte = part[i] as number;
      one = Math.imul(one ^ byte, 0x01000193);
      two = Math.imul((two << 5) ^ (two >>> 27) ^ byte, 0x85ebca6b);
    }
    one = Math.imul(one ^ part.length, 0x01000193);
  }
  for (let word = 0; word < TAG_BYTES / 4; word++) {
    one = Math.imul(one ^ (one >>> 15), 0x2c1b3c6d) ^ two;
    two = Math.imul(two ^ (two >>> 13), 0x297a2d39) ^ word;
    for (let i = 0; i < 4; i++) into[at + 4 * word + i] = one >>> (24 - 8 * i);
  }
}
