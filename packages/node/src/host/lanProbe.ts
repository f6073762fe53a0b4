/** Asking the real LAN who owns an address. */
import { assemble, FrameSocket, type BpfProgram } from 'libnetraw';
import {
  ETHERNET_HEADER_BYTES,
  EtherType,
  Icmpv6Type,
  IpProtocol,
  IPV6_HEADER_BYTES,
  Ipv6At,
} from 'libnetraw/wire';
import { isIPv4, isIPv6 } from 'node:net';
import { arpProbes, probeAddresses, type AddressConflict, type ProbeKind } from './addressConflict.js';
import type { UsableLink } from './hostInterface.js';
import { neighbourProbes } from './neighbourConflict.js';

/** Of all IPv6 on the interface only neighbour advertisements. */
const advertisements = (): BpfProgram =>
  assemble([
    { op: 'loadByte', offset: ETHERNET_HEADER_BYTES + Ipv6At.nextHeader },
    { op: 'jumpIfEqual', value: IpProtocol.icmpv6, otherwise: 'no' },
    { op: 'loadByte', offset: ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES },
    { op: 'jumpIfEqual', value: Icmpv6Type.neighbourAdvertisement, otherwise: 'no' },
    { op: 'accept' },
    { op: 'label', name: 'no' },
    { op: 'reject' },
  ]);

/**
 * Sends ARP probes and neighbour solicitations for the addresses and listens for a quarter of a second.
 * @throws SystemError `EPERM` without CAP_NET_RAW, `ENETDOWN`
 */
export async function probeLan(
  link: Pick<UsableLink, 'name' | 'mac'>,
  addresses: readonly string[],
): Promise<AddressConflict | undefined> {
  const found = await Promise.all([
    probe(link, arpProbes, addresses.filter(isIPv4), { etherType: EtherType.arp }),
    probe(link, neighbourProbes, addresses.filter(isIPv6), {
      etherType: EtherType.ipv6,
      filter: advertisements(),
    }),
  ]);
  return found.find(Boolean);
}

async function probe(
  { name, mac }: Pick<UsableLink, 'name' | 'mac'>,
  kind: ProbeKind,
  addresses: readonly string[],
  receive: { etherType: number; filter?: BpfProgram },
): Promise<AddressConflict | undefined> {
  if (addresses.length === 0) return undefined;
  const port = FrameSocket.open({ interface: name, receive });
  try {
    return await probeAddresses(port, { kind, addresses, ownMac: mac });
  } finally {
    port.close();
  }
}
