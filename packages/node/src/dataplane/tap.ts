import { acceptNone, type ClientShare, dispatcherFilter, PacketRing, type FanoutOptions } from 'libnetraw';
import { type IpAddress, macEquals } from 'libnetraw/wire';
import type { ClusterConfig, DispatchMode } from '@ringmaster/dispatch';
import type { ClientPrefixes } from './partition.js';
import type { PlaneShare, WorkerOptions } from './types.js';

/** The servers' side of a node, and the clients'. With one interface everything is inner. */
export type Side = 'inner' | 'outer';

/** What is received on an interface. */
export interface TapTargets {
  /** Virtual MACs of clusters. */
  readonly macs: readonly Uint8Array[];
  /** Virtual MACs of ghost gateways: what this host itself sends to them is received as well. */
  readonly gatewayMacs: readonly Uint8Array[];
  /** About which ARP and neighbour solicitations are received while dispatching. */
  readonly addresses: readonly IpAddress[];
}

/** How the rings of all taps share frames with those of other workers: two a tap, `ring` first. None with one worker. */
export const RINGS_OF_TAP = 2;
/** Handshakes are short; what a client sends along with its request has room as well. */
const HANDSHAKE_SLOT_BYTES = 2048;
/** A millisecond or two of a flood at the speed of the card: more would only make the clients' requests wait longer. */
const HANDSHAKE_SLOTS = 512;

/**
 * The rings of one interface, open to what the node's role wants: nothing, the virtual MACs, or these and questions about
 * them. Handshakes have a ring of their own: a flood of them overflows it, and established connections lose nothing (ADR 16).
 */
export class Tap {
  readonly ring: PacketRing;
  readonly handshakes: PacketRing;
  readonly side: Side;
  #targets: TapTargets;
  #role: DispatchMode = 'off';
  #share: ClientShare | undefined;
  #answers = true;
  /** What the card lets through at present, by name. */
  readonly #memberships = new Map<string, Uint8Array>();

  /** Throws `SystemError`: `EPERM`, `ENODEV`, `ENOMEM`. */
  constructor(
    side: Side,
    name: string,
    targets: TapTargets,
    slots: number,
    [fanout, handshakesFanout]: readonly FanoutOptions[],
  ) {
    this.side = side;
    this.#targets = targets;
    const options = { interface: name, filter: acceptNone() };
    this.ring = PacketRing.open({ ...options, slots, ...(fanout && { fanout }) });
    try {
      this.handshakes = PacketRing.open({
        ...options,
        slots: HANDSHAKE_SLOTS,
        slotBytes: HANDSHAKE_SLOT_BYTES,
        ...(handshakesFanout && { fanout: handshakesFanout }),
      });
    } catch (error) {
      this.ring.close();
      throw error;
    }
  }

  get rings(): readonly PacketRing[] {
    return [this.ring, this.handshakes];
  }

  close(): void {
    for (const ring of this.rings) ring.close();
  }

  /** Is open to other targets from now on. Throws as `setRole`. */
  setTargets(targets: TapTargets): void {
    this.#targets = targets;
    this.setRole(this.#role);
  }

  /** Takes the packets of these clients only from now on, and answers questions or not. Throws as `setRole`. */
  setShare({ buckets, answers }: PlaneShare, prefixes: ClientPrefixes): void {
    this.#share = { buckets, ...prefixes };
    this.#answers = answers;
    this.setRole(this.#role);
  }

  /** Opens or closes. Throws `SystemError` when the card does not take the virtual MACs. */
  setRole(role: DispatchMode): void {
    this.#role = role;
    if (role === 'off') {
      for (const ring of this.rings) ring.setFilter(acceptNone());
      this.#setMemberships([]);
      return;
    }
    const { macs, gatewayMacs, addresses } = this.#targets;
    const asked = role === 'dispatch' && this.#answers ? addresses : [];
    const solicitTargets = asked.filter((address) => typeof address !== 'number');
    const arpTargets = asked.filter((address) => typeof address === 'number');
    this.#setMemberships([...macs, ...gatewayMacs, ...solicitTargets.map(solicitedNodeMac)]);
    const share = this.#share;
    const wanted = { macs, gatewayMacs, arpTargets, solicitTargets, ...(share && { share }) };
    this.ring.setFilter(dispatcherFilter({ ...wanted, part: 'rest' }));
    this.handshakes.setFilter(dispatcherFilter({ ...wanted, part: 'handshakes' }));
  }

  #setMemberships(wanted: readonly Uint8Array[]): void {
    const named = new Map(wanted.map((mac) => [mac.join(), mac]));
    for (const [name, mac] of this.#memberships) {
      if (named.has(name)) continue;
      this.ring.dropMembership(mac);
      this.#memberships.delete(name);
    }
    for (const [name, mac] of named) {
      if (this.#memberships.has(name)) continue;
      this.ring.addMembership(mac);
      this.#memberships.set(name, mac);
    }
  }
}

/** One tap, or with an interface outside two: see {@link targetsOfSide}. */
export function openTaps(options: WorkerOptions, fanouts: readonly FanoutOptions[] = []): Tap[] {
  const { interface: inside, outside, clusters, ringSlots: slots } = options;
  const taps: Tap[] = [];
  const open = (side: Side, name: string): unknown => {
    const targets = targetsOfSide(side, clusters, outside !== undefined);
    return taps.push(new Tap(side, name, targets, slots, fanouts.slice(RINGS_OF_TAP * taps.length)));
  };
  try {
    if (outside !== undefined) open('outer', outside);
    open('inner', inside);
    return taps;
  } catch (error) {
    for (const tap of taps) tap.close();
    throw error;
  }
}

/** The clusters are to be found outside, the gateways inside; with one interface both there. */
export function targetsOfSide(
  side: Side,
  clusters: readonly ClusterConfig[],
  hasOutside: boolean,
): TapTargets {
  const ofClusters = targetsOf(clusters, false);
  const ofGateways = targetsOf(clusters, true);
  if (hasOutside) return side === 'outer' ? ofClusters : ofGateways;
  const addresses = [...ofClusters.addresses, ...ofGateways.addresses];
  return { ...ofGateways, macs: ofClusters.macs, addresses };
}

/** The virtual MACs of the gateways, each once. */
export function gatewayMacsOf(clusters: readonly ClusterConfig[]): Uint8Array[] {
  return distinct(clusters.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway.virtualMac])));
}

/** Whether a frame is to a cluster's virtual MAC. */
export function isToCluster(memory: Uint8Array, offset: number, clusters: readonly ClusterConfig[]): boolean {
  return clusters.some(({ virtualMac }) => macEquals(memory, offset, virtualMac, 0));
}

function targetsOf(clusters: readonly ClusterConfig[], gateways: boolean): TapTargets {
  if (!gateways) {
    const macs = distinct(clusters.map((cluster) => cluster.virtualMac));
    return { macs, gatewayMacs: [], addresses: clusters.map((cluster) => cluster.address) };
  }
  const addresses = clusters.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway.address]));
  return { macs: [], gatewayMacs: gatewayMacsOf(clusters), addresses };
}

/** Clusters whose addresses end alike share a virtual MAC, and clusters may share a gateway. */
function distinct(macs: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(macs.map((mac) => [mac.join(), mac])).values()];
}

/** The group that neighbour solicitations about an IPv6 address are sent to (RFC 4291 section 2.7.1, RFC 2464 section 7). */
function solicitedNodeMac(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, 0xff, ...address.subarray(13));
}
