import { DgramAsPromised } from 'dgram-as-promised';
import type { SocketAsPromised } from 'dgram-as-promised';
import type { Address } from '@ringmaster/ring';
import { formatIpv4, NO_ADDRESS, parseIpv4 } from '@ringmaster/ring';
import type { RingSocket, RingSocketEvents, SocketCounters } from './ringSocket.js';

export interface UdpSocketOptions {
  /** UDP port of the ring, the same on every member. */
  readonly port: number;
  /** Broadcast address of the LAN. */
  readonly broadcast: Address;
}

/** Addresses are literals: no resolver in between. */
const lookup = (host: string, ...rest: unknown[]): void => {
  (rest.at(-1) as (error: null, address: string, family: number) => void)(null, host, 4);
};

/**
 * The ring over UDP. One socket, bound to the ring port, receives everything and sends; a second one is connected to
 * the NDN, because only a connected socket is told that its peer's port is closed (R13).
 */
export class UdpSocket implements RingSocket {
  private readonly options: UdpSocketOptions;
  private readonly socket: SocketAsPromised;
  private events: RingSocketEvents | undefined;
  private downstream:
    { readonly address: Address; readonly socket: SocketAsPromised; connected: boolean } | undefined;
  private closed = false;
  private readonly count = { sendErrors: 0, malformed: 0, overrun: 0 };

  private constructor(options: UdpSocketOptions, socket: SocketAsPromised) {
    this.options = options;
    this.socket = socket;
  }

  /** Binds the ring port. Rejects with the system's error (EADDRINUSE, EACCES). */
  static async open(options: UdpSocketOptions): Promise<UdpSocket> {
    const socket = DgramAsPromised.createSocket({ type: 'udp4', lookup });
    await socket.bind({ port: options.port, exclusive: true });
    socket.setBroadcast(true);
    const opened = new UdpSocket(options, socket);
    socket.socket.on('message', (packet, sender) => {
      const from = parseIpv4(sender.address);
      if (from !== undefined) opened.events?.packet(from, packet);
    });
    socket.socket.on('error', () => opened.count.sendErrors++);
    return opened;
  }

  get counters(): Readonly<SocketCounters> {
    return this.count;
  }

  listen(events: RingSocketEvents): void {
    this.events = events;
  }

  send(to: Address, packet: Uint8Array): void {
    const { downstream } = this;
    if (downstream?.address === to && downstream.connected) {
      downstream.socket.socket.send(packet, this.countError);
    } else {
      this.socket.socket.send(packet, this.options.port, formatIpv4(to), this.countError);
    }
  }

  broadcast(packet: Uint8Array): void {
    this.socket.socket.send(packet, this.options.port, formatIpv4(this.options.broadcast), this.countError);
  }

  watch(address: Address): void {
    this.dropDownstream();
    if (address === NO_ADDRESS || this.closed) return;
    const socket = DgramAsPromised.createSocket({ type: 'udp4', lookup });
    const watched = { address, socket, connected: false };
    this.downstream = watched;
    socket.socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') this.count.sendErrors++;
      else if (this.downstream === watched) this.events?.refused(address);
    });
    socket.socket.on('connect', () => (watched.connected = true));
    socket.socket.connect(this.options.port, formatIpv4(address));
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.dropDownstream();
    await this.socket.close();
  }

  private dropDownstream(): void {
    const { downstream } = this;
    this.downstream = undefined;
    downstream?.socket.close().catch(() => undefined); // already closed by its own error
  }

  private readonly countError = (error: Error | null): void => {
    if (error) this.count.sendErrors++;
  };
}
