import { macEquals } from 'libnetraw/wire';
import { HEADROOM_BYTES, VIRTUAL_MAC, macOf } from './frames.js';
import type { Station } from './station.js';
import type { World } from './world.js';

/**
 * The switch that clients, router and nodes hang on. It learns behind which port the virtual MAC is from every frame
 * that comes from it, floods what it has not learned, and never sends a frame back where it came from.
 */
export class Fabric {
  private readonly world: World;
  /** Behind whose port the virtual MAC was seen last. */
  learned: Station | undefined;

  constructor(world: World) {
    this.world = world;
  }

  forget(): void {
    this.learned = undefined;
  }

  /** A frame from the virtual MAC of `station` has passed the switch. */
  announce(station: Station): void {
    const { world } = this;
    const run = (): void => void (this.learned = station);
    world.lan.carry(world.nowMs, station.index, world.clientHost, { run });
  }

  /** A client's frame comes from the router. */
  enter(frame: Uint8Array): void {
    this.toVirtualMac(this.world.clientHost, frame);
  }

  /** A node's data plane sends a frame that it has rewritten. */
  forward(from: Station, frame: Uint8Array): void {
    const { world } = this;
    if (macEquals(frame, HEADROOM_BYTES + 6, VIRTUAL_MAC, 0)) this.learnFrom(from);
    if (macEquals(frame, HEADROOM_BYTES, VIRTUAL_MAC, 0)) {
      this.toVirtualMac(from.index, frame);
      return;
    }
    const target = world.stations.find((s) => macEquals(frame, HEADROOM_BYTES, macOf(s.index), 0));
    if (!target) return;
    world.lan.carry(world.nowMs, from.index, target.index, { run: () => target.kernel.receive(frame, from) });
  }

  private learnFrom(from: Station): void {
    if (this.world.lan.hears(from.index, this.world.clientHost)) this.learned = from;
  }

  private toVirtualMac(fromHost: number, frame: Uint8Array): void {
    const { world, learned } = this;
    const targets = learned ? [learned] : world.stations;
    for (const target of targets) {
      if (target.index === fromHost) continue;
      const copy = frame.slice();
      world.lan.carry(world.nowMs, fromHost, target.index, { run: () => target.receiveFrame(copy) });
    }
  }
}
