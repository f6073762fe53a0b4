/**
 * What a decoder found. Zero is success; anything else says why the bytes are not such a header. Decoders never throw
 * on wire data, never read outside the given range, and after a failure leave the header record in an unspecified state.
 */
export const WireStatus = {
  ok: 0,
  /** Fewer bytes than the header, or than the header itself announces. */
  truncated: 1,
  /** The version field is another protocol's. */
  badVersion: 2,
  /** A header length below the minimum, or beyond the packet. */
  badHeaderLength: 3,
  /** A total length that contradicts the header length. */
  badLength: 4,
  /** A variant that this codec does not speak, such as ARP for other than Ethernet and IPv4. */
  unsupported: 5,
  /** The checksum is wrong. Only decoders that say so look at it. */
  badChecksum: 6,
  /** A field has a value that its protocol forbids. */
  badField: 7,
} as const;

export type WireStatus = (typeof WireStatus)[keyof typeof WireStatus];

/** The name of a status, for messages and tests. */
export function wireStatusName(status: WireStatus): string {
  return Object.keys(WireStatus)[status] ?? 'unknown';
}
