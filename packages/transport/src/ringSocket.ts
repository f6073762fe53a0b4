import type { Address } from '@ringmaster/ring';

/** What the driver needs of a network: UDP today, Ethernet frames next to it. */
export interface RingSocket {
  listen(events: RingSocketEvents): void;
  send(to: Address, packet: Uint8Array): void;
  broadcast(packet: Uint8Array): void;
  /** Report refusals by this member from now on (the NDN); `NO_ADDRESS` for nobody. */
  watch(address: Address): void;
  close(): Promise<void>;
}

export interface RingSocketEvents {
  /** `from` is what the network says of the sender; whether to believe it is the driver's business. */
  packet(from: Address, packet: Uint8Array): void;
  refused(address: Address): void;
}
