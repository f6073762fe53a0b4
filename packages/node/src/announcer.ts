import { announcementFrames } from '@ringmaster/dispatch';
import { FrameSocket } from 'libnetraw';
import type { IpAddress } from 'libnetraw/wire';

/** Where an address lives now. */
export interface AnnouncedAddress {
  readonly address: IpAddress;
  readonly virtualMac: Uint8Array;
}

/** A cluster, as far as it is announced. */
export interface AnnouncedCluster extends AnnouncedAddress {
  /** Whether its virtual MAC is a group's. */
  readonly isShared?: boolean;
  readonly gateway?: AnnouncedAddress;
}

/** What is said on one interface. */
export interface Announcements {
  readonly interface: string;
  /** Whole frames. */
  readonly frames: readonly Uint8Array[];
}

/**
 * Cluster addresses are announced to the clients, on the interface outside if there is one; ghost gateways to the servers, on
 * the inner one. Several clusters may share a gateway: it is announced once.
 * @param ownMac of the interface to the clients: the source of what is said of a group's MAC
 */
export function announcementsOf(
  clusters: readonly AnnouncedCluster[],
  inner: string,
  outside: string = inner,
  ownMac?: Uint8Array,
): Announcements[] {
  const addresses = clusters.flatMap(({ address, virtualMac, isShared = false }) =>
    announcementFrames(address, virtualMac, false, isShared ? ownMac : virtualMac),
  );
  const byMac = new Map(
    clusters.flatMap(({ gateway }) => (gateway ? [[gateway.virtualMac.join(), gateway]] : [])),
  );
  const gateways = [...byMac.values()].flatMap(({ address, virtualMac }) =>
    announcementFrames(address, virtualMac, true),
  );
  if (inner === outside) return [{ interface: inner, frames: [...addresses, ...gateways] }];
  return [
    { interface: outside, frames: addresses },
    { interface: inner, frames: gateways },
  ];
}

/** After a takeover: at once, and again after these times, since one burst can be lost (trap 6). */
const BURST_DELAYS_MS = [0, 20, 100, 400, 1000, 2000];
/** Switches forget a MAC after minutes; a dispatcher without traffic reminds them. */
const REFRESH_MS = 5000;

/**
 * Gratuitous ARP (RFC 5227, 3) in request and reply form, and unsolicited neighbour advertisements (RFC 4861, 7.2.6), from
 * the virtual MACs. The MAC of an address never changes, so this is for the switches, which learn behind which port it is
 * now, and for neighbours that have lost it.
 */
export class Announcer {
  private readonly ways: readonly { readonly socket: FrameSocket; frames: readonly Uint8Array[] }[];
  private readonly onFailure: (message: string) => void;
  private timers: NodeJS.Timeout[] = [];
  private refresh: NodeJS.Timeout | undefined;
  sent = 0;
  failed = 0;

  /** Throws `SystemError`: `EPERM` without CAP_NET_RAW, `ENODEV`. */
  constructor(announcements: readonly Announcements[], onFailure: (message: string) => void) {
    this.ways = announcements.map(({ interface: name, frames }) => ({
      socket: FrameSocket.open({ interface: name }),
      frames,
    }));
    this.onFailure = onFailure;
  }

  /** Announces with a burst and goes on refreshing until `stop`. Called again, it does the burst again. */
  start(): void {
    this.stop();
    this.send();
    this.timers = BURST_DELAYS_MS.slice(1).map((ms) => setTimeout(() => this.send(), ms));
    this.refresh = setInterval(() => this.send(), REFRESH_MS);
  }

  /** Says this from now on; at once when it is announcing. @param announcements of the same interfaces in the same order */
  replace(announcements: readonly Announcements[]): void {
    const said = this.ways.map(({ frames }) => frames.join(';'));
    this.ways.forEach((way, i) => (way.frames = announcements[i].frames));
    const isNews = this.ways.some(({ frames }, i) => frames.join(';') !== said[i]);
    if (isNews && this.refresh !== undefined) this.start();
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    clearInterval(this.refresh);
    this.refresh = undefined;
  }

  close(): void {
    this.stop();
    for (const { socket } of this.ways) socket.close();
  }

  private send(): void {
    for (const { socket, frames } of this.ways) {
      for (const frame of frames) {
        try {
          socket.send(frame);
          this.sent++;
        } catch (error) {
          // The interface may be down for a moment; the next burst or refresh tries again.
          this.failed++;
          if (this.failed === 1) this.onFailure((error as Error).message);
        }
      }
    }
  }
}
