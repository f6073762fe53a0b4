import { announcementFrames } from '@ringmaster/dispatch';
import { FrameSocket } from 'libnetraw';
import type { IpAddress } from 'libnetraw/wire';

/** Where a cluster address lives now. */
export interface AnnouncedAddress {
  readonly address: IpAddress;
  readonly virtualMac: Uint8Array;
}

/** After a takeover: at once, and again after these times, since one burst can be lost (trap 6). */
const BURST_DELAYS_MS = [0, 20, 100, 400, 1000, 2000];
/** Switches forget a MAC after minutes; a dispatcher without traffic reminds them. */
const REFRESH_MS = 5000;

/**
 * Gratuitous ARP (RFC 5227, 3) from the virtual MAC, in request and reply form: the MAC of an address never changes, so
 * this is for the switches, which learn behind which port it is now, and for neighbours that have lost it.
 */
export class Announcer {
  private readonly socket: FrameSocket;
  private readonly frames: readonly Uint8Array[];
  private readonly onFailure: (message: string) => void;
  private timers: NodeJS.Timeout[] = [];
  private refresh: NodeJS.Timeout | undefined;
  sent = 0;
  failed = 0;

  constructor(
    interfaceName: string,
    addresses: readonly AnnouncedAddress[],
    onFailure: (message: string) => void,
  ) {
    this.socket = FrameSocket.open({ interface: interfaceName });
    this.frames = addresses.flatMap(({ address, virtualMac }) => announcementFrames(address, virtualMac));
    this.onFailure = onFailure;
  }

  /** Announces with a burst and goes on refreshing until `stop`. Called again, it does the burst again. */
  start(): void {
    this.stop();
    this.send();
    this.timers = BURST_DELAYS_MS.slice(1).map((ms) => setTimeout(() => this.send(), ms));
    this.refresh = setInterval(() => this.send(), REFRESH_MS);
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    clearInterval(this.refresh);
    this.refresh = undefined;
  }

  close(): void {
    this.stop();
    this.socket.close();
  }

  private send(): void {
    for (const frame of this.frames) {
      try {
        this.socket.send(frame);
        this.sent++;
      } catch (error) {
        // The interface may be down for a moment; the next burst or refresh tries again.
        this.failed++;
        if (this.failed === 1) this.onFailure((error as Error).message);
      }
    }
  }
}
