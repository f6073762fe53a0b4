import { ETHERNET_HEADER_BYTES, EtherType, readU16, VLAN_TAG_BYTES } from 'libnetraw/wire';

/** A customer's tag within a provider's (802.1ad) is as deep as it goes. */
export const MAX_VLAN_TAGS = 2;

/** The Ethernet header of a frame, up to two VLAN tags included. */
export class LinkHeader {
  /** What the frame carries behind its tags; a tag's own when there are too many. */
  etherType = 0;
  /** Where that begins in memory. */
  payloadOffset = 0;
  /** Bytes of tags between the MAC addresses and the EtherType. */
  tagBytes = 0;

  /** Reads a frame of at least 14 bytes; false when it is cut off within its tags. */
  read(memory: Uint8Array, offset: number, length: number): boolean {
    const etherType = readU16(memory, offset + 12);
    this.etherType = etherType;
    this.payloadOffset = offset + ETHERNET_HEADER_BYTES;
    this.tagBytes = 0;
    return isTag(etherType) ? this.skipTags(memory, offset, length) : true;
  }

  private skipTags(memory: Uint8Array, offset: number, length: number): boolean {
    for (let tags = 0; tags < MAX_VLAN_TAGS && isTag(this.etherType); tags++) {
      this.tagBytes += VLAN_TAG_BYTES;
      this.payloadOffset += VLAN_TAG_BYTES;
      if (this.payloadOffset > offset + length) return false;
      this.etherType = readU16(memory, this.payloadOffset - 2);
    }
    return true;
  }
}

/** Whether an EtherType is that of a VLAN tag. */
export function isTag(etherType: number): boolean {
  return etherType === EtherType.vlan || etherType === EtherType.serviceVlan;
}
