import { createHash } from 'node:crypto';
import { NodeCryptography } from '@ringmaster/transport';

/** The keys of the cluster at work: what seals and opens the ring's packets, and the questions for connections (R20). */
export class ClusterKeys {
  readonly packets: NodeCryptography;
  readonly bulk: NodeCryptography;
  private keys: readonly Uint8Array[];

  /** @param keys at least one; the first seals, all open */
  constructor(keys: readonly Uint8Array[]) {
    this.keys = keys;
    this.packets = new NodeCryptography(keys, 'packets');
    this.bulk = new NodeCryptography(keys, 'bulk');
  }

  get current(): readonly Uint8Array[] {
    return this.keys;
  }

  /** From the next packet on. */
  replace(keys: readonly Uint8Array[]): void {
    this.keys = keys;
    this.packets.replaceKeys(keys);
    this.bulk.replaceKeys(keys);
  }
}

/** By what people tell keys apart: the first 32 bits of a hash, which tell nothing of the key. */
export const fingerprintOf = (key: Uint8Array): string =>
  createHash('sha256').update('ringmaster key').update(key).digest('hex').slice(0, 8);
