import type { Address } from '@ringmaster/ring';

/** What the driver needs of a network: UDP datagrams (`UdpSocket`) or Ethernet frames (`EthernetSocket`). */
export interface RingSocket {
  readonly counters: Readonly<SocketCounters>;
  listen(events: RingSocketEvents): void;
  send(to: Address, packet: Uint8Array): void;
  broadcast(packet: Uint8Array): void;
  /**
   * Report refusals by this member from now on (the NDN); `NO_ADDRESS` for nobody. A network on which nobody refuses
   * never reports any: the ring then hears of a death by silence alone.
   */
  watch(address: Address): void;
  close(): Promise<void>;
}

/** Since the socket was opened. */
export interface SocketCounters {
  /** Packets that the system did not take. */
  readonly sendErrors: number;
  /** Frames that were no ring frames, in a transport that has a framing of its own. */
  readonly malformed: number;
  /** Packets that were thrown away because this process did not keep up, as far as the socket knows. */
  readonly overrun: number;
}

export interface RingSocketEvents {
  /** `from` is what the network says of the sender; whether to believe it is the driver's business. */
  packet(from: Address, packet: Uint8Array): void;
  refused(address: Address): void;
}
