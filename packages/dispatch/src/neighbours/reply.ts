import { copyMac, ETHERNET_HEADER_BYTES, MAC_BYTES, VLAN_TAG_BYTES, writeU16 } from 'libnetraw/wire';
import { MAX_VLAN_TAGS } from '../flow/linkHeader.js';
import type { LinkHeader } from '../flow/linkHeader.js';

/** What every IPv6 link carries (RFC 8200, section 5), and ICMPv6 errors keep to. */
const MIN_IP_BYTES = 1280;

/** The frame to send after the verdict `answer`. */
export class Reply {
  readonly bytes: Uint8Array;
  /** Bytes of the largest IP packet that it takes. */
  readonly ipBytes: number;
  /** Bytes of the frame. */
  length = 0;
  /** Whether it is for this node's own kernel: to be injected on `lo`. */
  isLocal = false;

  /** @param mtuBytes the largest IP packet that is to be sent in answer */
  constructor(mtuBytes: number) {
    this.ipBytes = Math.max(mtuBytes, MIN_IP_BYTES);
    this.bytes = new Uint8Array(ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES * MAX_VLAN_TAGS + this.ipBytes);
  }

  /**
   * Begins an answer to the frame at `offset`, with the VLAN tags that it has. Returns where the payload goes; who writes
   * it sets `length`.
   */
  begin(
    memory: Uint8Array,
    offset: number,
    link: LinkHeader,
    destination: Uint8Array,
    source: Uint8Array,
    etherType: number,
  ): number {
    const { bytes } = this;
    this.isLocal = false;
    copyMac(destination, 0, bytes, 0);
    copyMac(source, 0, bytes, MAC_BYTES);
    const tagsAt = 2 * MAC_BYTES;
    for (let i = 0; i < link.tagBytes; i++) bytes[tagsAt + i] = memory[offset + tagsAt + i];
    writeU16(bytes, tagsAt + link.tagBytes, etherType);
    return ETHERNET_HEADER_BYTES + link.tagBytes;
  }
}
