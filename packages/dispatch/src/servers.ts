import {
  copyMac,
  type IpAddress,
  IPV6_ADDRESS_BYTES,
  ipv6Equals,
  isGroupMac,
  isZeroMac,
  MAC_BYTES,
  macEquals,
  readI32,
  writeU32,
} from 'libnetraw/wire';
import { mix32 } from './map/halfSipHash.js';

/** Server slots are 0 to 254: a ring has at most 254 members, and one byte of a connection's record names its server. */
export const MAX_SERVERS = 255;

/**
 * How long a server must have been inactive before its connections count as lost and a repeated SYN may go elsewhere. A
 * ring purge (rule R11) makes every server inactive for a moment; a client repeats a SYN after a second.
 */
export const GONE_AFTER_MS = 500;

/** A weight of 1 counts so much in {@link ServerTable.weights}: a slow start gives away fractions of it. */
export const WEIGHT_UNIT = 256;
/** The least of its weight that a server which takes new connections is given. */
export const LEAST_SHARE = 1 / 32;

/** What the dispatcher knows of a server. */
export interface ServerInfo {
  /** Unsigned 32-bit IPv4 address of its host; the server's name. */
  address: number;
  /** The 16 bytes of its host's IPv6 address, which L4/3 over IPv6 wants. */
  address6?: Uint8Array;
  /** Where its frames go. All zero: not known; frames to it are handed to the host's own routing until it is learned. */
  mac: Uint8Array;
  /** Up to 255. 0 drains: known connections go on, new ones are not given to it. */
  weight: number;
  /** Slow start: which part of its weight is in force, 0 to 1. Default 1. */
  share?: number;
  /** What its load makes of its weight, for `load-aware`: 1 leaves it as it is. Default 1. */
  loadFactor?: number;
  /** False: known connections are still forwarded, new ones are not given to it. */
  active: boolean;
  /** Whether it is this node itself. */
  local: boolean;
  /** Whether it is outside the ring: it serves only what names it. Default false. */
  fixed?: boolean;
  /** Services that it does not have, by name (see `serviceName`): it gets no new connections of those. Default none. */
  lacks?: readonly string[];
}

/**
 * What a server is called that is known by its address alone: an IPv4 address is its own name; an IPv6 one is hashed into
 * 240.0.0.0/4, where no host is, so that all dispatchers call it the same.
 */
export function serverName(address: IpAddress): number {
  if (typeof address === 'number') return address;
  let hash = 0;
  for (let at = 0; at < IPV6_ADDRESS_BYTES; at += 4) hash = mix32(hash ^ readI32(address, at));
  return (hash | 0xf0000000) >>> 0;
}

/** Bytes a slot has for addresses in network order: 4 of IPv4, then 16 of IPv6. */
export const SERVER_ADDRESS_BYTES = 20;

/**
 * The servers, in slots. A server keeps its slot while it is listed or while a connection refers to it, so the number
 * that a connection's record holds never comes to mean another server.
 */
export class ServerTable {
  /** Unsigned addresses, by slot. */
  readonly addresses = new Uint32Array(MAX_SERVERS);
  /** Six bytes a slot. */
  readonly macs = new Uint8Array(MAX_SERVERS * MAC_BYTES);
  /** 1 where the server is a living member. */
  readonly active = new Uint8Array(MAX_SERVERS);
  /** 1 where the server is this node. */
  readonly local = new Uint8Array(MAX_SERVERS);
  /** 1 where the server is outside the ring. */
  readonly fixed = new Uint8Array(MAX_SERVERS);
  /** Both addresses of a server, {@link SERVER_ADDRESS_BYTES} a slot, as packets have them. */
  readonly addressBytes = new Uint8Array(MAX_SERVERS * SERVER_ADDRESS_BYTES);
  /** 1 where the IPv6 address is known. */
  readonly hasAddress6 = new Uint8Array(MAX_SERVERS);
  /** The greater, the more connections; 0 drains. In {@link WEIGHT_UNIT}s, the slow start counted in. */
  readonly weights = new Uint16Array(MAX_SERVERS);
  /** The same with the load counted in. */
  readonly loadWeights = new Uint32Array(MAX_SERVERS);
  /** The slow start alone, {@link WEIGHT_UNIT} when it is over: for schedulers that heed no weights. */
  readonly shares = new Uint16Array(MAX_SERVERS);
  /** The slots of all listed servers, those outside the ring too, in order of address. */
  readonly listed: number[] = [];
  /** The slots of the ring's listed servers, active or not, in the first `knownCount` cells, in order of address. */
  readonly known = new Uint8Array(MAX_SERVERS);
  knownCount = 0;
  /** Of these the ones that take new connections, in the first `eligibleCount` cells. */
  readonly eligible = new Uint8Array(MAX_SERVERS);
  eligibleCount = 0;
  /** The slot of this node, or -1. */
  localSlot = -1;
  /** Names of the services that a server does not have, by slot; empty where no listed server lacks any. */
  readonly lacking = new Map<number, ReadonlySet<string>>();

  /** How many connections refer to each slot; a live view. */
  readonly connections: ArrayLike<number>;

  /** Modulo 2^32, as all times here. */
  private readonly inactiveSinceMs = new Int32Array(MAX_SERVERS);
  private readonly slots = new Map<number, number>();

  /** @param connections how many connections refer to each slot; kept by the connection map. */
  constructor(connections: ArrayLike<number>) {
    this.connections = connections;
  }

  /**
   * Makes `list` the servers. Those that are not in it become inactive, but keep their slot while connections refer to
   * it. Returns how many of the list found no free slot.
   */
  set(list: readonly ServerInfo[], nowMs: number): number {
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      if (this.active[slot] === 1) this.inactiveSinceMs[slot] = nowMs;
    }
    this.active.fill(0);
    this.weights.fill(0);
    this.local.fill(0);
    this.listed.length = 0;
    this.knownCount = 0;
    this.eligibleCount = 0;
    this.localSlot = -1;
    this.lacking.clear();
    // An address twice is one server; the last word about it counts.
    const listed = new Map(list.map((server) => [server.address, server]));
    let unplaced = 0;
    for (const server of listed.values()) {
      const slot = this.slots.get(server.address) ?? this.freeSlot(listed, nowMs);
      if (slot < 0) unplaced++;
      else this.place(slot, server);
    }
    this.putInOrder();
    return unplaced;
  }

  /** Whether a listed server of the ring takes new connections. */
  isEligible(slot: number): boolean {
    return this.takesConnections(slot) && this.fixed[slot] === 0;
  }

  /** Whether a listed server takes new connections, be it of the ring or not. */
  takesConnections(slot: number): boolean {
    return this.active[slot] === 1 && this.weights[slot] > 0;
  }

  /** The slot of the server with this unsigned address, or -1. */
  slotOf(address: number): number {
    return this.slots.get(address) ?? -1;
  }

  /** Where the address of a server begins in {@link addressBytes}. */
  addressAt(slot: number, family: 4 | 6): number {
    return slot * SERVER_ADDRESS_BYTES + (family === 4 ? 0 : 4);
  }

  /** Whether a server has the address at `offset`. */
  hasAddress(slot: number, family: 4 | 6, memory: Uint8Array, offset: number): boolean {
    const at = this.addressAt(slot, family);
    if (family === 4) return readI32(this.addressBytes, at) === readI32(memory, offset);
    return this.hasAddress6[slot] === 1 && ipv6Equals(this.addressBytes, at, memory, offset);
  }

  /** The slot of the server that has the address at `offset`, or -1; looks at all of them. */
  slotAt(family: 4 | 6, memory: Uint8Array, offset: number): number {
    for (let slot = 0; slot < this.slots.size; slot++) {
      if (this.hasAddress(slot, family, memory, offset)) return slot;
    }
    return -1;
  }

  /** A frame of a server outside the ring came from the MAC at `offset`: there its frames go from now on. */
  learnMac(slot: number, memory: Uint8Array, offset: number): void {
    const at = slot * MAC_BYTES;
    if (this.fixed[slot] === 0 || macEquals(this.macs, at, memory, offset)) return;
    if (isGroupMac(memory, offset) || isZeroMac(memory, offset)) return;
    copyMac(memory, offset, this.macs, at);
  }

  /** Whether the six bytes at `offset` are the MAC of a member of the ring; looks at all of them. */
  isMember(memory: Uint8Array, offset: number): boolean {
    for (let slot = 0; slot < this.slots.size; slot++) {
      if (this.fixed[slot] === 0 && macEquals(memory, offset, this.macs, slot * MAC_BYTES)) return true;
    }
    return false;
  }

  /** Whether the server has been inactive for so long that its connections are lost. */
  isGone(slot: number, nowMs: number): boolean {
    if (this.active[slot] === 1) return false;
    return ((nowMs | 0) - this.inactiveSinceMs[slot]) >>> 0 > GONE_AFTER_MS;
  }

  private place(slot: number, server: ServerInfo): void {
    this.slots.set(server.address, slot);
    this.setMac(slot, server);
    this.setAddresses(slot, server);
    this.active[slot] = server.active ? 1 : 0;
    this.local[slot] = server.local ? 1 : 0;
    if (server.local) this.localSlot = slot;
    this.weigh(slot, server);
    const { lacks = [] } = server;
    if (lacks.length > 0) this.lacking.set(slot, new Set(lacks));
    this.listed.push(slot);
  }

  private setAddresses(slot: number, { address, address6, fixed = false }: ServerInfo): void {
    this.addresses[slot] = address;
    this.fixed[slot] = fixed ? 1 : 0;
    this.hasAddress6[slot] = address6 === undefined ? 0 : 1;
    const at = slot * SERVER_ADDRESS_BYTES;
    writeU32(this.addressBytes, at, address);
    if (address6 !== undefined) this.addressBytes.set(address6, at + 4);
  }

  /** A MAC that was learned stays when the list knows none. */
  private setMac(slot: number, { address, mac }: ServerInfo): void {
    if (this.addresses[slot] === address && isZeroMac(mac, 0)) return;
    copyMac(mac, 0, this.macs, slot * MAC_BYTES);
  }

  private weigh(slot: number, { weight, share = 1, loadFactor = 1 }: ServerInfo): void {
    const part = Math.min(1, Math.max(LEAST_SHARE, share)) * WEIGHT_UNIT;
    this.shares[slot] = part;
    this.weights[slot] = weight === 0 ? 0 : Math.max(1, Math.round(weight * part));
    this.loadWeights[slot] = weight === 0 ? 0 : Math.max(1, Math.round(weight * part * loadFactor));
  }

  /** By address: every dispatcher that knows the same servers has them in the same order. */
  private putInOrder(): void {
    const { known, addresses } = this;
    this.listed.sort((one, other) => addresses[one] - addresses[other]);
    for (const slot of this.listed) {
      if (this.fixed[slot] === 1) continue;
      known[this.knownCount++] = slot;
      if (this.takesConnections(slot)) this.eligible[this.eligibleCount++] = slot;
    }
  }

  /** A slot nobody has, or one whose server has left and owns no connection any more. */
  private freeSlot(listed: ReadonlyMap<number, ServerInfo>, nowMs: number): number {
    const slot = this.unusedSlot() ?? this.abandonedSlot(listed);
    if (slot === undefined) return -1;
    this.inactiveSinceMs[slot] = nowMs;
    return slot;
  }

  private unusedSlot(): number | undefined {
    return this.slots.size < MAX_SERVERS ? this.slots.size : undefined;
  }

  private abandonedSlot(listed: ReadonlyMap<number, ServerInfo>): number | undefined {
    for (const [address, slot] of this.slots) {
      if (listed.has(address) || this.connections[slot] > 0) continue;
      this.slots.delete(address);
      return slot;
    }
    return undefined;
  }
}
