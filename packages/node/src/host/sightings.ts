/**
 * What a LAN tells whoever listens for a second: other redundancy protocols, rings, and who claims a virtual MAC. Pure: one
 * frame after the other goes in.
 */
import { decodeRingFrame, RingEtherType } from '@ringmaster/transport';
import {
  ArpHeader,
  decodeArp,
  decodeEthernet,
  decodeIpv4,
  ETHERNET_HEADER_BYTES,
  EthernetHeader,
  EtherType,
  formatIpv4,
  formatMac,
  IpProtocol,
  Ipv4Header,
  IPV6_HEADER_BYTES,
  Ipv6At,
  readU16,
  readU32,
  WireStatus,
} from 'libnetraw/wire';

/** Both VRRP (RFC 9568, RFC 3768) and CARP have this IP protocol number. */
export const VRRP_PROTOCOL = 112;

/** A router that says that it is the master of a redundancy group. */
export interface Advertiser {
  readonly protocol: 'vrrp' | 'carp';
  /** VRID or VHID. */
  readonly group: number;
  /** Its own address; over IPv6 its MAC. */
  readonly from: string;
  /** The IPv4 addresses that it holds; CARP does not say. */
  readonly addresses: readonly string[];
}

/** Somebody who speaks on the ring's port, or over Ethernet in the ring's frames. */
export interface RingSpeaker {
  /** Its IPv4 address, or its MAC over Ethernet. */
  readonly from: string;
  /** Which key seals its packets: the first byte of the key's SHA-256; undefined: none. */
  readonly keyId: number | undefined;
}

/** An ARP packet that was sent from a MAC of Ringmaster's own range for an IPv4 address. */
export interface VirtualClaim {
  readonly mac: string;
  readonly address: string;
}

/** As many of each kind are kept: a hostile host may make up any number. */
const LARGEST_KIND = 256;
const CARP_BYTES = 36;
const CARP_AUTHENTICATION_WORDS = 7;
const SEALED = 0x80;

/** Judges a VRRP or CARP packet by its IP payload; undefined when it is neither. */
export function decodeAdvertisement(
  memory: Uint8Array,
  offset: number,
  length: number,
  from: string,
  holdsIpv4 = true,
): Advertiser | undefined {
  if (length < 8) return undefined;
  const version = memory[offset] >>> 4;
  const isAdvertisement = (memory[offset] & 15) === 1;
  if (!isAdvertisement || (version !== 2 && version !== 3)) return undefined;
  const group = memory[offset + 1];
  // CARP took over VRRP's number and version; its authentication data has always 7 words.
  if (version === 2 && length === CARP_BYTES && memory[offset + 3] === CARP_AUTHENTICATION_WORDS) {
    return { protocol: 'carp', group, from, addresses: [] };
  }
  const count = holdsIpv4 ? Math.min(memory[offset + 3], Math.floor((length - 8) / 4)) : 0;
  const addresses = Array.from({ length: count }, (_, i) => formatIpv4(readU32(memory, offset + 8 + 4 * i)));
  return { protocol: 'vrrp', group, from, addresses };
}

/** Gathers what frames tell. Each sender counts once for each thing that it says. */
export class Sightings {
  readonly #advertisers = new Map<string, Advertiser>();
  readonly #speakers = new Map<string, RingSpeaker>();
  readonly #claims = new Map<string, VirtualClaim>();
  readonly #hosts = new Set<string>();
  readonly #ringPort: number;
  readonly #ethernet = new EthernetHeader();
  readonly #arp = new ArpHeader();
  readonly #ip = new Ipv4Header();

  constructor(ringPort: number) {
    this.#ringPort = ringPort;
  }

  get advertisers(): readonly Advertiser[] {
    return [...this.#advertisers.values()];
  }

  get speakers(): readonly RingSpeaker[] {
    return [...this.#speakers.values()];
  }

  get claims(): readonly VirtualClaim[] {
    return [...this.#claims.values()];
  }

  /** IPv4 addresses of hosts that were heard. */
  get hosts(): readonly string[] {
    return [...this.#hosts];
  }

  /** Takes in a whole frame, whatever it is. */
  note(frame: Uint8Array): void {
    if (decodeEthernet(frame, 0, frame.length, this.#ethernet) !== WireStatus.ok) return;
    const { etherType, payloadLength } = this.#ethernet;
    if (etherType === EtherType.arp) this.#noteArp(frame, payloadLength);
    else if (etherType === EtherType.ipv4) this.#noteIpv4(frame, payloadLength);
    else if (etherType === EtherType.ipv6) this.#noteIpv6(frame, payloadLength);
    else if (etherType === RingEtherType.plain || etherType === RingEtherType.sealed)
      this.#noteRingFrame(frame);
  }

  #noteArp(frame: Uint8Array, length: number): void {
    const arp = this.#arp;
    if (decodeArp(frame, ETHERNET_HEADER_BYTES, length, arp) !== WireStatus.ok) return;
    if (arp.senderAddress === 0) return;
    const [address, at] = [formatIpv4(arp.senderAddress), arp.senderMacOffset];
    const isVirtual = frame[at] === 0x02 && frame[at + 1] === 0x52 && frame[at + 2] === 0x4d;
    if (!isVirtual) return this.#noteHost(address);
    const mac = formatMac(frame, at);
    keep(this.#claims, `${mac} ${address}`, { mac, address });
  }

  #noteIpv4(frame: Uint8Array, length: number): void {
    const ip = this.#ip;
    if (decodeIpv4(frame, ETHERNET_HEADER_BYTES, length, ip) !== WireStatus.ok || ip.fragmentOffset > 0)
      return;
    const from = formatIpv4(ip.source);
    if (ip.protocol === VRRP_PROTOCOL) {
      this.#noteAdvertiser(decodeAdvertisement(frame, ip.payloadOffset, ip.payloadLength, from));
    } else if (ip.protocol === IpProtocol.udp && ip.payloadLength > 8) {
      if (readU16(frame, ip.payloadOffset + 2) !== this.#ringPort) return;
      this.#noteHost(from);
      this.#noteSpeaker(from, frame.subarray(ip.payloadOffset + 8, ip.payloadOffset + ip.payloadLength));
    }
  }

  #noteIpv6(frame: Uint8Array, length: number): void {
    if (length < IPV6_HEADER_BYTES) return;
    if (frame[ETHERNET_HEADER_BYTES + Ipv6At.nextHeader] !== VRRP_PROTOCOL) return;
    const at = ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES;
    const from = formatMac(frame, 6);
    this.#noteAdvertiser(decodeAdvertisement(frame, at, length - IPV6_HEADER_BYTES, from, false));
  }

  #noteRingFrame(frame: Uint8Array): void {
    const decoded = decodeRingFrame(frame);
    if (decoded.ok) this.#noteSpeaker(formatMac(frame, 6), decoded.packet);
  }

  #noteSpeaker(from: string, packet: Uint8Array): void {
    const keyId = (packet[0] & SEALED) === 0 ? undefined : packet[1];
    keep(this.#speakers, `${from} ${keyId}`, { from, keyId });
  }

  #noteAdvertiser(found: Advertiser | undefined): void {
    if (found !== undefined) keep(this.#advertisers, `${found.protocol} ${found.group} ${found.from}`, found);
  }

  #noteHost(address: string): void {
    if (this.#hosts.size < LARGEST_KIND) this.#hosts.add(address);
  }
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.has(key) || map.size < LARGEST_KIND) map.set(key, value);
}
