import { type Cryptography, TAG_BYTES } from '../../../../packages/ring/dist/session/envelope.js';

/** Seals nothing: everybody has the key. The tag is zeros, and a packet with another one is not authentic. */
export function openCryptography(): Cryptography {
  return {
    sealingKeyId: 7,
    seal: (_nonce, _associated, plaintext) => {
      const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
      sealed.set(plaintext);
      return sealed;
    },
    open: (keyId, _nonce, _associated, ciphertext) => {
      const end = ciphertext.length - TAG_BYTES;
      const authentic = keyId === 7 && end >= 0 && ciphertext.subarray(end).every((byte) => byte === 0);
      return authentic ? ciphertext.slice(0, end) : undefined;
    },
    token: (data) => {
      const token = new Uint8Array(16);
      for (const [i, byte] of data.entries()) token[i % 16] = (token[i % 16] * 31 + byte + 1) & 255;
      return token;
    },
  };
}
