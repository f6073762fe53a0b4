import { copyMac, ETHERNET_HEADER_BYTES, MAC_BYTES, writeU16 } from 'libnetraw/wire';
import { MAX_VLAN_TAGS } from '../flow/linkHeader.js';
import type { LinkHeader } from '../flow/linkHeader.js';

/** The largest IP packet that is ever sent in answer: what every IPv6 link carries (RFC 8200, section 5). */
const MAX_IP_BYTES = 1280;

/** The frame to send after the verdict `answer`. */
export class Reply {
  readonly bytes = new Uint8Array(ETHERNET_HEADER_BYTES + 4 * MAX_VLAN_TAGS + MAX_IP_BYTES);
  /** Bytes of the frame. */
  length = 0;

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
    copyMac(destination, 0, bytes, 0);
    copyMac(source, 0, bytes, MAC_BYTES);
    const tagsAt = 2 * MAC_BYTES;
    for (let i = 0; i < link.tagBytes; i++) bytes[tagsAt + i] = memory[offset + tagsAt + i];
    writeU16(bytes, tagsAt + link.tagBytes, etherType);
    return ETHERNET_HEADER_BYTES + link.tagBytes;
  }
}
