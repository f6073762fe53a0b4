/**
 * Whether somebody else owns a cluster address: asked by ARP before it is taken on, in the manner of RFC 5227. The
 * cluster itself may answer, with its virtual MAC: that is the present dispatcher, and no conflict.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isVirtualMacOf } from '@ringmaster/dispatch';
import {
  ArpHeader,
  arpFrame,
  ArpOperation,
  compareMac,
  decodeArp,
  decodeEthernet,
  ETHERNET_HEADER_BYTES,
  EthernetHeader,
  EtherType,
  formatIpv4,
  formatMac,
  WireStatus,
} from 'libnetraw/wire';
import { ipv4Number } from './clusterAddress.js';

const BROADCAST = new Uint8Array(6).fill(0xff);
const UNKNOWN = new Uint8Array(6);

/** An ARP probe (RFC 5227, 1.1): a request whose sender address is zero, so that it updates nobody's cache. */
export function arpProbe(address: string, ownMac: Uint8Array): Uint8Array {
  return arpFrame(BROADCAST, ownMac, {
    operation: ArpOperation.request,
    senderMac: ownMac,
    senderAddress: 0,
    targetMac: UNKNOWN,
    targetAddress: ipv4Number(address),
  });
}

export interface AddressConflict {
  readonly address: string;
  /** Who says that it owns the address. */
  readonly mac: string;
}

/**
 * Judges one received frame: the conflict that it proves, or undefined. Only the sender fields count, of requests and of
 * replies (RFC 5227, 2.1.1). Probes of other nodes that start at the same moment have a zero sender and prove nothing.
 */
export function conflictIn(
  frame: Uint8Array,
  addresses: readonly string[],
  ownMac: Uint8Array,
): AddressConflict | undefined {
  const ethernet = new EthernetHeader();
  const arp = new ArpHeader();
  if (decodeEthernet(frame, 0, frame.length, ethernet) !== WireStatus.ok) return undefined;
  if (ethernet.etherType !== EtherType.arp) return undefined;
  if (decodeArp(frame, ETHERNET_HEADER_BYTES, ethernet.payloadLength, arp) !== WireStatus.ok)
    return undefined;
  if (arp.senderAddress === 0) return undefined;
  const address = formatIpv4(arp.senderAddress);
  if (!addresses.includes(address)) return undefined;
  const sender = frame.subarray(arp.senderMacOffset, arp.senderMacOffset + 6);
  const isOurs = compareMac(sender, ownMac) === 0 || isVirtualMacOf(arp.senderAddress, sender);
  return isOurs ? undefined : { address, mac: formatMac(sender) };
}

/** A way of asking for the owner of an address. */
export interface ProbeKind {
  /** The frame that asks. */
  readonly probe: (address: string, ownMac: Uint8Array) => Uint8Array;
  /** The conflict that a received frame proves. */
  readonly conflictIn: (
    frame: Uint8Array,
    addresses: readonly string[],
    ownMac: Uint8Array,
  ) => AddressConflict | undefined;
}

export const arpProbes: ProbeKind = { probe: arpProbe, conflictIn };

/** Frames out and in on one interface; `receive` does not wait. */
export interface ProbePort {
  send(frame: Uint8Array): void;
  receive(): Uint8Array | undefined;
}

export interface ProbeOptions {
  /** Default: ARP. */
  readonly kind?: ProbeKind;
  readonly addresses: readonly string[];
  readonly ownMac: Uint8Array;
  /** How often to ask, and how long to listen after each time. */
  readonly probes?: number;
  readonly intervalMs?: number;
}

/** A hostile host may send without end: this many frames are looked at after each probe. */
const FRAMES_PER_PROBE = 4096;

/** Asks who owns the addresses. The first conflict ends it; none after all probes means that they are free. */
export async function probeAddresses(
  port: ProbePort,
  options: ProbeOptions,
): Promise<AddressConflict | undefined> {
  const { kind = arpProbes, addresses, ownMac, probes = 3, intervalMs = 80 } = options;
  for (let probe = 0; probe < probes; probe++) {
    for (const address of addresses) port.send(kind.probe(address, ownMac));
    await pause(intervalMs);
    for (let count = 0; count < FRAMES_PER_PROBE; count++) {
      const frame = port.receive();
      if (frame === undefined) break;
      const conflict = kind.conflictIn(frame, addresses, ownMac);
      if (conflict !== undefined) return conflict;
    }
  }
  return undefined;
}
