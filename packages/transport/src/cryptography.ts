import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Cryptography } from '@ringmaster/ring';
import { TAG_BYTES } from '@ringmaster/ring';

/** Length of a cluster key in bytes. */
export const KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';

interface DerivedKey {
  readonly id: number;
  readonly key: Buffer;
}

/**
 * AES-256-GCM under keys derived (HKDF, RFC 5869) from the cluster keys, one purpose each. The first cluster key seals,
 * all of them open, so that keys rotate without an outage (R20). A key's id on the wire is the first byte of its hash;
 * keys whose ids collide are tried in turn.
 */
export class NodeCryptography implements Cryptography {
  private readonly purpose: 'packets' | 'bulk';
  private keys: readonly DerivedKey[] = [];
  private readonly tokenSecret = randomBytes(32);

  constructor(clusterKeys: readonly Uint8Array[], purpose: 'packets' | 'bulk') {
    this.purpose = purpose;
    this.replaceKeys(clusterKeys);
  }

  /** Seals and opens with these from now on. Throws without any, and on keys that are none, having changed nothing. */
  replaceKeys(clusterKeys: readonly Uint8Array[]): void {
    if (clusterKeys.length === 0) throw new Error('at least one cluster key is needed');
    this.keys = clusterKeys.map((clusterKey) => derive(clusterKey, this.purpose));
  }

  get sealingKeyId(): number {
    return (this.keys[0] as DerivedKey).id;
  }

  seal(nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const cipher = createCipheriv(CIPHER, (this.keys[0] as DerivedKey).key, nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(associated, { plaintextLength: plaintext.length });
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  open(
    keyId: number,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined {
    if (ciphertext.length < TAG_BYTES) return undefined;
    for (const { id, key } of this.keys) {
      const plaintext = id === keyId ? openWith(key, nonce, associated, ciphertext) : undefined;
      if (plaintext) return plaintext;
    }
    return undefined;
  }

  token(data: Uint8Array): Uint8Array {
    return createHmac('sha256', this.tokenSecret).update(data).digest().subarray(0, 16);
  }
}

function derive(clusterKey: Uint8Array, purpose: string): DerivedKey {
  if (clusterKey.length !== KEY_BYTES) throw new Error(`a cluster key has ${KEY_BYTES} bytes`);
  const id = createHash('sha256').update(clusterKey).digest()[0] as number;
  const key = Buffer.from(
    hkdfSync('sha256', clusterKey, new Uint8Array(0), `ringmaster 1 ${purpose}`, KEY_BYTES),
  );
  return { id, key };
}

function openWith(
  key: Buffer,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associated, { plaintextLength: end });
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch {
    return undefined; // not authentic
  }
}
