/**
 * Trying out what a LAN lets through, with frames to other hosts that answer them anyway: ARP probes, which change nobody's
 * cache, and pings.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { virtualMacOf } from '@ringmaster/dispatch';
import { assemble, FrameSocket, type BpfProgram } from 'libnetraw';
import {
  ArpHeader,
  decodeArp,
  encodeEchoRequest,
  encodeEthernet,
  encodeIpv4,
  ETHERNET_HEADER_BYTES,
  EtherType,
  formatIpv4,
  ICMP_HEADER_BYTES,
  IcmpType,
  IpProtocol,
  IPV4_HEADER_BYTES,
  Ipv4At,
  macEquals,
  readU16,
  readU32,
  WireStatus,
} from 'libnetraw/wire';
import { arpProbe } from './addressConflict.js';
import { ipv4Number } from './clusterAddress.js';
import type { HostInterface, UsableLink } from './hostInterface.js';

/** How often is asked, and how long an answer is waited for. */
const TRIES = 3;
const WAIT_MS = 80;
const FRAMES_PER_TRY = 1024;
/** Frames larger than this are not tried: nobody here receives them in one piece. */
const LARGEST_PACKET_BYTES = 16_000;

function* received(socket: FrameSocket): Generator<Uint8Array> {
  for (let count = 0; count < FRAMES_PER_TRY; count++) {
    const frame = socket.receive();
    if (frame === undefined) return;
    yield frame;
  }
}

/** What became of a trial; `no-answer`: nothing is proven, because not even the harmless form was answered. */
export type TrialResult = 'passes' | 'blocked' | 'no-answer';

/**
 * A MAC that is nobody's: not a virtual MAC, because a switch would look for the dispatcher here from then on. The low half
 * is the interface's, so that two hosts may try at once.
 */
const strangeMac = (own: Uint8Array): Uint8Array => Uint8Array.of(0x02, 0x52, 0x4f, own[3], own[4], own[5]);

/**
 * Whether frames from and to a MAC that is not the interface's pass the network, as those of a virtual MAC must.
 * @param peers IPv4 addresses of other hosts on the link, any of which may answer
 * @throws SystemError `EPERM` without CAP_NET_RAW
 */
export async function tryForeignMac(
  { name, mac }: Pick<UsableLink, 'name' | 'mac'>,
  peers: readonly string[],
): Promise<TrialResult> {
  const strange = strangeMac(mac);
  const socket = FrameSocket.open({
    interface: name,
    receive: { etherType: EtherType.arp, alsoTo: [strange] },
  });
  try {
    const answering = await arpAnswers(socket, mac, peers);
    if (answering.size === 0) return 'no-answer';
    return (await arpAnswers(socket, strange, [...answering])).size > 0 ? 'passes' : 'blocked';
  } finally {
    socket.close();
  }
}

/** Which of the addresses are answered for, to `asker`. */
async function arpAnswers(
  socket: FrameSocket,
  asker: Uint8Array,
  addresses: readonly string[],
): Promise<Set<string>> {
  const answered = new Set<string>();
  const arp = new ArpHeader();
  for (let attempt = 0; attempt < TRIES && answered.size === 0; attempt++) {
    for (const address of addresses) socket.send(arpProbe(address, asker));
    await pause(WAIT_MS);
    for (const frame of received(socket)) {
      const length = frame.length - ETHERNET_HEADER_BYTES;
      if (!macEquals(frame, 0, asker, 0)) continue;
      if (decodeArp(frame, ETHERNET_HEADER_BYTES, length, arp) !== WireStatus.ok) continue;
      const sender = formatIpv4(arp.senderAddress);
      if (addresses.includes(sender)) answered.add(sender);
    }
  }
  return answered;
}

/**
 * How many dispatchers answer for a cluster address with its virtual MAC. The smallest number of several tries: while one
 * takes over from another, both may answer once.
 * @throws SystemError `EPERM` without CAP_NET_RAW
 */
export async function countDispatchers(
  { name, mac }: Pick<UsableLink, 'name' | 'mac'>,
  address: string,
): Promise<number> {
  const virtual = virtualMacOf(ipv4Number(address));
  const socket = FrameSocket.open({ interface: name, receive: { etherType: EtherType.arp } });
  const arp = new ArpHeader();
  let least = Infinity;
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      socket.send(arpProbe(address, mac));
      await pause(WAIT_MS);
      let count = 0;
      for (const frame of received(socket)) {
        const length = frame.length - ETHERNET_HEADER_BYTES;
        // Announcements go to everybody; only an answer is to the one who asked.
        if (!macEquals(frame, 0, mac, 0)) continue;
        if (decodeArp(frame, ETHERNET_HEADER_BYTES, length, arp) !== WireStatus.ok) continue;
        if (macEquals(frame, arp.senderMacOffset, virtual, 0)) count++;
      }
      least = Math.min(least, count);
    }
    return least;
  } finally {
    socket.close();
  }
}

const echoReplies = (): BpfProgram =>
  assemble([
    { op: 'loadByte', offset: ETHERNET_HEADER_BYTES + Ipv4At.protocol },
    { op: 'jumpIfEqual', value: IpProtocol.icmp, otherwise: 'no' },
    { op: 'indexHeaderLength', offset: ETHERNET_HEADER_BYTES },
    { op: 'loadByteIndexed', offset: ETHERNET_HEADER_BYTES },
    { op: 'jumpIfEqual', value: IcmpType.echoReply, otherwise: 'no' },
    { op: 'accept' },
    { op: 'label', name: 'no' },
    { op: 'reject' },
  ]);

/** A ping of so many bytes of IP, whole and not to be fragmented. */
function pingFrame(
  link: HostInterface,
  to: { readonly address: string; readonly mac: Uint8Array },
  ping: { readonly identifier: number; readonly sequence: number; readonly sizeBytes: number },
): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + ping.sizeBytes);
  const payloadLength = ping.sizeBytes - IPV4_HEADER_BYTES;
  const at = encodeIpv4(frame, encodeEthernet(frame, 0, to.mac, link.mac, EtherType.ipv4), {
    source: ipv4Number(link.address),
    destination: ipv4Number(to.address),
    protocol: IpProtocol.icmp,
    payloadLength,
  });
  encodeEchoRequest(frame, at, ping.identifier, ping.sequence, payloadLength - ICMP_HEADER_BYTES);
  return frame;
}

const SMALL_PING_BYTES = 64;

/**
 * Whether packets as large as the interface's MTU reach another host of the link and come back.
 * @throws SystemError `EPERM` without CAP_NET_RAW
 */
export async function tryFullSize(
  link: HostInterface,
  peer: { readonly address: string; readonly mac: Uint8Array },
): Promise<TrialResult> {
  const receive = { etherType: EtherType.ipv4, filter: echoReplies() };
  const socket = FrameSocket.open({ interface: link.name, receive });
  const identifier = process.pid & 0xffff;
  const isAnswered = async (sizeBytes: number, firstSequence: number): Promise<boolean> => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const sequence = firstSequence + attempt;
      socket.send(pingFrame(link, peer, { identifier, sequence, sizeBytes }));
      await pause(WAIT_MS);
      for (const frame of received(socket)) {
        const at = ETHERNET_HEADER_BYTES + (frame[ETHERNET_HEADER_BYTES] & 15) * 4;
        if (readU32(frame, ETHERNET_HEADER_BYTES + Ipv4At.source) !== ipv4Number(peer.address)) continue;
        if (readU16(frame, at + 4) === identifier && readU16(frame, at + 6) === sequence) return true;
      }
    }
    return false;
  };
  try {
    if (!(await isAnswered(SMALL_PING_BYTES, 1))) return 'no-answer';
    const fullSize = Math.min(link.mtuBytes, LARGEST_PACKET_BYTES);
    return (await isAnswered(fullSize, 1 + TRIES)) ? 'passes' : 'blocked';
  } finally {
    socket.close();
  }
}
