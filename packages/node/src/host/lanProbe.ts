/** Asking the real LAN who owns an address. */
import { isIPv4 } from 'node:net';
import { FrameSocket } from 'libnetraw';
import { EtherType } from 'libnetraw/wire';
import { probeAddresses, type AddressConflict } from './addressConflict.js';
import type { UsableLink } from './hostInterface.js';

/**
 * Sends ARP probes for the addresses and listens for a quarter of a second.
 * @throws SystemError `EPERM` without CAP_NET_RAW, `ENETDOWN`
 */
export async function probeLan(
  link: UsableLink,
  all: readonly string[],
): Promise<AddressConflict | undefined> {
  const addresses = all.filter(isIPv4);
  if (addresses.length === 0) return undefined;
  const port = FrameSocket.open({ interface: link.name, receive: { etherType: EtherType.arp } });
  try {
    return await probeAddresses(port, { addresses, ownMac: link.mac });
  } finally {
    port.close();
  }
}
