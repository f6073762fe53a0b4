import type { Address } from '@ringmaster/ring';

const MAC_BYTES = 6;

/** A MAC as a ring address: its 48 bits as a number, so that members stand in the order of their MACs. */
export function addressOfMac(mac: Uint8Array, offset = 0): Address {
  let address = 0;
  for (let i = 0; i < MAC_BYTES; i++) address = address * 256 + mac[offset + i];
  return address;
}

/** The MAC that a ring address over Ethernet is. The ring's broadcast address comes out as ff:ff:ff:ff:ff:ff. */
export function macOfAddress(address: Address): Uint8Array {
  const mac = new Uint8Array(MAC_BYTES);
  for (let i = MAC_BYTES - 1, rest = address; i >= 0; i--, rest = Math.floor(rest / 256)) mac[i] = rest % 256;
  return mac;
}
