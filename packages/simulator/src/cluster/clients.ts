import { TcpFlag } from 'libnetraw/wire';
import type { Random } from '../random.js';
import { clientFrame } from './frames.js';
import type { Reply } from './kernel.js';
import type { Station } from './station.js';
import type { World } from './world.js';

const FIRST_PORT = 1024;
const SYN_RETRY_MS = 1000;
const SYN_TRIES = 4;
const DATA_RETRY_MS = 300;
const DATA_TRIES = 8;
const THINK_MS = { from: 20, to: 250 };
const LIFE_MS = { from: 300, to: 8000 };

export interface Connection {
  readonly port: number;
  /** Whom the client believes to talk to: the first that answered its SYN. */
  server: Station | undefined;
  state: 'opening' | 'open' | 'closed';
  /** The server has acknowledged data: established on both sides. */
  established: boolean;
  endsAtMs: number;
  /** The number of the exchange that is under way; a late answer to an earlier one means nothing. */
  exchange: number;
  waiting: boolean;
}

/** Clients that open connections to the cluster address, talk over them, and close them. */
export class Clients {
  /** Open ones, by port. */
  readonly connections = new Map<number, Connection>();
  readonly counts = { opened: 0, established: 0, closed: 0, reset: 0, gaveUp: 0 };
  private readonly world: World;
  private readonly random: Random;
  private nextPort = FIRST_PORT;

  constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
  }

  /** Starts `count` clients, each of which holds one connection after the other until `untilMs`. */
  start(count: number, untilMs: number): void {
    for (let i = 0; i < count; i++) {
      this.world.at(this.random.between(200, 1500), () => this.open(untilMs));
    }
  }

  serverOf(port: number): Station | undefined {
    return this.connections.get(port)?.server;
  }

  /** An answer has come from a server. */
  hear(port: number, server: Station, what: Reply): void {
    const connection = this.connections.get(port);
    if (!connection) return;
    if (what === 'synAck') {
      if (connection.state !== 'opening') return;
      connection.server = server;
      connection.state = 'open';
      this.exchange(connection, 0);
      return;
    }
    // A reset answers with the client's own sequence numbers, so it counts, whichever server it is from (RFC 9293, 3.5.2).
    if (what === 'reset') {
      if (connection.state === 'open') this.end(connection, 'reset');
      return;
    }
    if (connection.server !== server) return;
    if (what === 'closed') this.end(connection, 'closed');
    else this.answered(connection);
  }

  private open(untilMs: number): void {
    const { world, random } = this;
    if (world.nowMs >= untilMs) return;
    const connection: Connection = {
      port: this.nextPort++,
      server: undefined,
      state: 'opening',
      established: false,
      endsAtMs: world.nowMs + random.between(LIFE_MS.from, LIFE_MS.to),
      exchange: 0,
      waiting: false,
    };
    this.connections.set(connection.port, connection);
    this.counts.opened++;
    this.trySyn(connection, SYN_TRIES);
    world.at(connection.endsAtMs + random.between(10, 500), () => this.open(untilMs));
  }

  private trySyn(connection: Connection, tries: number): void {
    if (connection.state !== 'opening') return;
    if (tries === 0) {
      this.end(connection, 'gaveUp');
      return;
    }
    this.world.fabric.enter(clientFrame(connection.port, TcpFlag.syn));
    this.world.at(this.world.nowMs + SYN_RETRY_MS, () => this.trySyn(connection, tries - 1));
  }

  private exchange(connection: Connection, thinkMs: number): void {
    connection.exchange++;
    const { exchange } = connection;
    this.world.at(this.world.nowMs + thinkMs, () => {
      connection.waiting = true;
      this.tryData(connection, exchange, DATA_TRIES);
    });
  }

  private tryData(connection: Connection, exchange: number, tries: number): void {
    if (connection.state !== 'open' || connection.exchange !== exchange) return;
    if (tries === 0) {
      this.end(connection, 'gaveUp');
      return;
    }
    const ends = this.world.nowMs >= connection.endsAtMs;
    const flags = ends ? TcpFlag.fin | TcpFlag.ack : TcpFlag.ack | TcpFlag.psh;
    this.world.fabric.enter(clientFrame(connection.port, flags));
    this.world.at(this.world.nowMs + DATA_RETRY_MS, () => this.tryData(connection, exchange, tries - 1));
  }

  private answered(connection: Connection): void {
    if (connection.state !== 'open' || !connection.waiting) return;
    connection.waiting = false;
    if (!connection.established) this.counts.established++;
    connection.established = true;
    this.exchange(connection, this.random.between(THINK_MS.from, THINK_MS.to));
  }

  private end(connection: Connection, how: 'closed' | 'reset' | 'gaveUp'): void {
    connection.state = 'closed';
    this.counts[how]++;
    this.connections.delete(connection.port);
    this.world.note(`client ${connection.port}: ${how}`);
  }
}
