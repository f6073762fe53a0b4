import { NodeCryptography } from '@ringmaster/transport';

/** What a ring's packets say of the key that seals them: one byte for each of the cluster keys. */
export const keyIdsOf = (keys: readonly Uint8Array[]): number[] =>
  keys.map((key) => new NodeCryptography([key], 'packets').sealingKeyId);
