/** Listening to the real LAN for a while, without saying anything. */
import { RingEtherType } from '@ringmaster/transport';
import { assemble, FrameSocket, type BpfProgram } from 'libnetraw';
import {
  ETHERNET_HEADER_BYTES,
  EtherType,
  IpProtocol,
  Ipv4At,
  Ipv6At,
  macEquals,
  parseMac,
} from 'libnetraw/wire';
import type { UsableLink } from './hostInterface.js';
import { Sightings, VRRP_PROTOCOL } from './sightings.js';

const ETH_P_ALL = 3;
const LOOK_MS = 20;
/** A hostile host may send without end: this many frames are looked at each time. */
const FRAMES_PER_LOOK = 1024;
/** Where VRRP and CARP talk: 224.0.0.18 and ff02::12. */
const VRRP_GROUPS = ['01:00:5e:00:00:12', '33:33:00:00:00:12'].map((text) => parseMac(text) as Uint8Array);

/** Of all traffic only what {@link Sightings} can read. */
function interesting(ringPort: number): BpfProgram {
  const ip = ETHERNET_HEADER_BYTES;
  return assemble([
    { op: 'loadHalf', offset: ip - 2 },
    { op: 'jumpIfEqual', value: EtherType.arp, then: 'yes' },
    { op: 'jumpIfEqual', value: RingEtherType.plain, then: 'yes' },
    { op: 'jumpIfEqual', value: RingEtherType.sealed, then: 'yes' },
    { op: 'jumpIfEqual', value: EtherType.ipv6, then: 'ipv6' },
    { op: 'jumpIfEqual', value: EtherType.ipv4, otherwise: 'no' },
    { op: 'loadByte', offset: ip + Ipv4At.protocol },
    { op: 'jumpIfEqual', value: VRRP_PROTOCOL, then: 'yes' },
    { op: 'jumpIfEqual', value: IpProtocol.udp, otherwise: 'no' },
    { op: 'indexHeaderLength', offset: ip },
    { op: 'loadWordIndexed', offset: ip },
    { op: 'and', value: 0xffff },
    { op: 'jumpIfEqual', value: ringPort, then: 'yes', otherwise: 'no' },
    { op: 'label', name: 'ipv6' },
    { op: 'loadByte', offset: ip + Ipv6At.nextHeader },
    { op: 'jumpIfEqual', value: VRRP_PROTOCOL, then: 'yes', otherwise: 'no' },
    { op: 'label', name: 'yes' },
    { op: 'accept' },
    { op: 'label', name: 'no' },
    { op: 'reject' },
  ]);
}

/**
 * Listens on an interface. What this host itself sends does not count.
 * @throws SystemError `EPERM` without CAP_NET_RAW, `ENODEV`
 */
export async function watchLan(
  { name, mac }: Pick<UsableLink, 'name' | 'mac'>,
  { ringPort, forMs }: { readonly ringPort: number; readonly forMs: number },
): Promise<Sightings> {
  const receive = { etherType: ETH_P_ALL, filter: interesting(ringPort), alsoTo: VRRP_GROUPS };
  const socket = FrameSocket.open({ interface: name, receive });
  const sightings = new Sightings(ringPort);
  try {
    for (let leftMs = forMs; leftMs > 0; leftMs -= LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      for (let count = 0; count < FRAMES_PER_LOOK; count++) {
        const frame = socket.receive();
        if (frame === undefined) break;
        if (!macEquals(frame, 6, mac, 0)) sightings.note(frame);
      }
    }
    return sightings;
  } finally {
    socket.close();
  }
}
