import { TcpFlag } from 'libnetraw/wire';
import { clientPortOf, flagsOf } from './frames.js';
import type { Station } from './station.js';

export type TcpState = 'synReceived' | 'established' | 'closing';

export interface Given {
  readonly by: Station;
  readonly atMs: number;
}

/** The server side of a host: its kernel's table of connections of the service, which outlives the node's process. */
export class Kernel {
  /** By the client's port. */
  readonly connections = new Map<number, TcpState>();
  /** Who sent the first request for a connection here, and when it came, by the client's port. */
  readonly given = new Map<number, Given>();
  private readonly station: Station;

  constructor(station: Station) {
    this.station = station;
  }

  /** A frame that the dispatcher `from` has sent here. Answers the client directly (direct server return). */
  receive(frame: Uint8Array, from: Station): void {
    const { station, connections } = this;
    if (!station.powered) return;
    const port = clientPortOf(frame);
    const flags = flagsOf(frame);
    const state = connections.get(port);
    if ((flags & TcpFlag.syn) !== 0) {
      if (state === undefined) this.given.set(port, { by: from, atMs: station.world.nowMs });
      if (state !== 'established') connections.set(port, 'synReceived');
      this.reply(port, 'synAck');
    } else if (state === undefined) {
      this.reply(port, 'reset');
    } else if ((flags & TcpFlag.fin) !== 0) {
      connections.delete(port);
      this.reply(port, 'closed');
    } else {
      // An ACK of another server's SYN-ACK does not fit our sequence numbers.
      if (state === 'synReceived' && station.world.clients.serverOf(port) !== station) {
        connections.delete(port);
        this.reply(port, 'reset');
        return;
      }
      connections.set(port, 'established');
      this.reply(port, 'data');
    }
  }

  private reply(port: number, what: Reply): void {
    const { world, index } = this.station;
    const run = (): void => world.clients.hear(port, this.station, what);
    world.lan.carry(world.nowMs, index, world.clientHost, { run });
  }
}

/** What a server says to a client, as far as the simulation distinguishes it. */
export type Reply = 'synAck' | 'data' | 'closed' | 'reset';
