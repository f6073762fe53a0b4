import type { DispatchMode, ServerInfo } from '@ringmaster/dispatch';
import { Dispatcher, DropReason, Verdict } from '@ringmaster/dispatch';
import { CLUSTER_ADDRESS, HEADROOM_BYTES, macOf, SERVICE_PORT, VIRTUAL_MAC } from './frames.js';
import type { Station } from './station.js';

const MAX_CONNECTIONS = 256;
const HOLD_BYTES = 16_384;
/** Changes of the servers that come within this time are one. */
const SETTLE_MS = 1;

/** The worker of a node: the real dispatch core under a lease, its frames taken from and given to the switch. */
export class DataPlane {
  private readonly station: Station;
  private core: Dispatcher | undefined;
  mode: DispatchMode = 'off';
  dispatchesSinceMs = -Infinity;
  /** How to work out servers that have changed: done before they matter, for in a large ring many change at once. */
  private servers: (() => readonly ServerInfo[]) | undefined;
  /** Packets of unknown connections that were dropped. */
  unknownDrops = 0;

  constructor(station: Station) {
    this.station = station;
  }

  setMode(mode: DispatchMode): void {
    const { world } = this.station;
    world.noteMode(this.station, mode === 'dispatch');
    if (mode === 'dispatch' && this.mode !== mode) this.dispatchesSinceMs = world.nowMs;
    this.mode = mode;
    if (this.core || mode !== 'off') this.dispatcher.setMode(mode);
  }

  /** Only a node that dispatches or prepares to needs its list; until then nothing is made. */
  setServers(list: () => readonly ServerInfo[]): void {
    if (!this.core) return;
    const { world } = this.station;
    if (!this.servers) world.at(world.nowMs + SETTLE_MS, () => this.settle());
    this.servers = list;
  }

  /** Made when first needed. */
  get dispatcher(): Dispatcher {
    this.settle();
    if (this.core) return this.core;
    const { station } = this;
    const cluster = {
      address: CLUSTER_ADDRESS,
      virtualMac: VIRTUAL_MAC,
      ports: [{ port: SERVICE_PORT, protocol: 'tcp' as const }],
    };
    this.core = new Dispatcher({
      clusters: [cluster],
      ownMac: macOf(station.index),
      maxConnections: MAX_CONNECTIONS,
      seed: station.index,
      holdBytes: HOLD_BYTES,
      headroomBytes: HEADROOM_BYTES,
    });
    return this.core;
  }

  private settle(): void {
    const { servers } = this;
    this.servers = undefined;
    if (servers) this.core?.setServers(servers(), this.nowMs);
  }

  hold(on: boolean): void {
    this.settle();
    if (!this.core) return;
    this.core.hold(on);
    if (!on) this.lookAgain();
  }

  /** What is held is processed again: let go, or held once more. */
  lookAgain(): void {
    this.settle();
    this.core?.takeHeld((memory, offset, length) => {
      this.process(memory.slice(offset - HEADROOM_BYTES, offset + length));
    });
  }

  /** A frame to the virtual MAC has come to this host. */
  process(frame: Uint8Array): void {
    if (this.mode === 'off' || !this.core) return;
    this.settle();
    const { station } = this;
    const { world } = station;
    if (this.mode === 'dispatch' && !station.daemon.leaseHolds) return;
    const length = frame.length - HEADROOM_BYTES;
    const verdict = this.core.process(frame, HEADROOM_BYTES, length, this.nowMs);
    const dropped = verdict === Verdict.drop ? this.core.dropReason : DropReason.none;
    if (dropped === DropReason.unknownConnection) this.unknownDrops++;
    world.judged(station, frame, verdict, dropped);
    if (verdict === Verdict.local) station.kernel.receive(frame, station);
    else if (verdict === Verdict.forward) world.fabric.forward(station, frame);
  }

  private get nowMs(): number {
    return Math.floor(this.station.localMs);
  }
}
