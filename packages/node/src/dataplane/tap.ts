import { acceptNone, dispatcherFilter, PacketRing } from 'libnetraw';
import type { DispatchMode } from '@ringmaster/dispatch';
import type { DataPlaneOptions } from './types.js';

/** Memory for a burst while the worker is not scheduled: half a thousand frames, super-frames among them. */
const DEFAULT_RING_SLOTS = 512;

/** The ring, open to what the node's role wants: nothing, the virtual MACs, or these and ARP about the addresses. */
export class Tap {
  readonly ring: PacketRing;
  readonly #macs: readonly Uint8Array[];
  readonly #addresses: readonly number[];
  #isMember = false;

  /** Throws `SystemError`: `EPERM`, `ENODEV`, `ENOMEM`. */
  constructor(options: DataPlaneOptions) {
    this.#macs = distinct(options.clusters.map((cluster) => cluster.virtualMac));
    this.#addresses = options.clusters
      .map((cluster) => cluster.address)
      .filter((address) => typeof address === 'number');
    this.ring = PacketRing.open({
      interface: options.interface,
      slots: options.ringSlots ?? DEFAULT_RING_SLOTS,
      filter: acceptNone(),
    });
  }

  /** Opens or closes. Throws `SystemError` when the card does not take the virtual MACs. */
  setRole(role: DispatchMode): void {
    if (role === 'off') {
      this.ring.setFilter(acceptNone());
      this.#setMembership(false);
      return;
    }
    const arpTargets = role === 'dispatch' ? this.#addresses : [];
    this.#setMembership(true);
    this.ring.setFilter(dispatcherFilter({ macs: this.#macs, arpTargets }));
  }

  #setMembership(wanted: boolean): void {
    if (wanted === this.#isMember) return;
    this.#isMember = wanted;
    for (const mac of this.#macs) {
      if (wanted) this.ring.addMembership(mac);
      else this.ring.dropMembership(mac);
    }
  }
}

/** Clusters whose addresses end alike share a virtual MAC. */
function distinct(macs: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(macs.map((mac) => [mac.join(), mac])).values()];
}
