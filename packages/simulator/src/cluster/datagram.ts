import type { Envelope, Message } from '@ringmaster/ring';
import { decodeEnvelope, decodePacket } from '@ringmaster/ring';
import type { Happening } from '../eventQueue.js';
import type { Arrival } from './lan.js';
import type { Station } from './station.js';

/** A packet on the network. What the simulation wants to know of it is worked out once for all who hear it. */
export class Datagram {
  readonly bytes: Uint8Array;
  private decoded: readonly Message[] | undefined | 'not yet' = 'not yet';
  private opened: Envelope | undefined | 'not yet' = 'not yet';
  private hash: number | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The messages of a packet that is not sealed; `undefined`: it is none. */
  get messages(): readonly Message[] | undefined {
    if (this.decoded === 'not yet') {
      const result = decodePacket(this.bytes);
      this.decoded = result.ok ? result.messages : undefined;
    }
    return this.decoded;
  }

  /** The outside of a packet that is sealed; `undefined`: it is none. */
  get envelope(): Envelope | undefined {
    if (this.opened === 'not yet') this.opened = decodeEnvelope(this.bytes);
    return this.opened;
  }

  /** Tells packets apart, whatever they claim to be. */
  get fingerprint(): number {
    return (this.hash ??= fnv1a(this.bytes));
  }
}

/** Its arrival at several hosts at once. */
export class Flood implements Happening {
  private readonly from: Station;
  private readonly to: readonly Station[];
  private readonly datagram: Datagram;

  constructor(from: Station, to: readonly Station[], datagram: Datagram) {
    this.from = from;
    this.to = to;
    this.datagram = datagram;
  }

  run(): void {
    const { from, to, datagram } = this;
    for (const station of to) if (station !== from) station.arrive(from, datagram, false);
  }
}

function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash >>> 0;
}

/** Its arrival at one host. */
export class Delivery implements Arrival {
  private readonly from: Station;
  private readonly to: Station;
  private readonly datagram: Datagram;
  private readonly unicast: boolean;

  constructor(from: Station, to: Station, datagram: Datagram, unicast: boolean) {
    this.from = from;
    this.to = to;
    this.datagram = datagram;
    this.unicast = unicast;
  }

  run(): void {
    this.to.arrive(this.from, this.datagram, this.unicast);
  }

  damaged(damage: (bytes: Uint8Array) => Uint8Array): Delivery {
    const { from, to, datagram, unicast } = this;
    return new Delivery(from, to, new Datagram(damage(datagram.bytes)), unicast);
  }
}
