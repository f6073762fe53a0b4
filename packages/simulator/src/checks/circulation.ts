import type { Address, Effect, Input } from '@ringmaster/ring';
import { MessageType } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import type { Observer, World } from '../cluster/world.js';
import type { Judge } from './checks.js';

/** A packet of one application message: count, ttl, destination, source, type, length, body. */
const TYPE_AT = 4;
const TTL_AT = 1;
const SERIAL_AT = 7;
export const SERIAL_BYTES = 4;

/**
 * Invariant 3: no message is delivered twice to a member by one circulation, and none circulates for ever. A circulation
 * is a walk along the order of the ring: while that changes, or is no order yet, whoever has moved behind the message may meet it again, so
 * messages that were on their way then are judged by their time to live only.
 */
export class Circulation implements Observer {
  private readonly judge: Judge;
  /** The newest message, by serial number, and the newest when the order of the ring changed last. */
  private latest = 0;
  private latestAtChange = 0;
  /** Serial numbers by station and life of its process: a restarted one has not heard anything yet. */
  private readonly delivered = new Map<number, Set<number>>();
  /** Time to live with which each message was sent on, by serial number: it only ever falls. */
  private readonly sentOn = new Map<number, Set<number>>();

  constructor(judge: Judge) {
    this.judge = judge;
  }

  stepped(station: Station, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'downstreamChanged' || effect.kind === 'phaseChanged')
        this.latestAtChange = this.latest;
      if (effect.kind === 'application') this.noteDelivery(station, effect.body);
      else if (effect.kind === 'send') this.noteHop(station, effect.packet);
    }
  }

  private noteDelivery(station: Station, body: Uint8Array): void {
    if (body.length !== SERIAL_BYTES) return;
    const serial = readSerial(body, 0);
    const key = station.index * 1e6 + station.life;
    let seen = this.delivered.get(key);
    if (!seen) this.delivered.set(key, (seen = new Set()));
    this.latest = Math.max(this.latest, serial);
    if (seen.has(serial) && serial > this.latestAtChange && orderIsSound(station.world))
      this.judge.fail(3, `message ${serial} was delivered twice to ${station.name}`);
    seen.add(serial);
  }

  private noteHop(station: Station, packet: Uint8Array): void {
    const single = packet[0] === 1 && packet[TYPE_AT] === MessageType.application;
    if (!single || packet.length !== SERIAL_AT + SERIAL_BYTES) return;
    const serial = readSerial(packet, SERIAL_AT);
    const ttl = packet[TTL_AT] as number;
    let seen = this.sentOn.get(serial);
    if (!seen) this.sentOn.set(serial, (seen = new Set()));
    if (seen.has(ttl))
      this.judge.fail(3, `message ${serial} goes on with ttl ${ttl} again, from ${station.name}`);
    seen.add(ttl);
  }
}

/** Nobody has two upstream neighbours. */
function orderIsSound(world: World): boolean {
  const targets = new Set<Address>();
  for (const { participates, state, address } of world.stations) {
    const { ndn } = state.ring;
    if (!participates || ndn === address) continue;
    if (targets.has(ndn)) return false;
    targets.add(ndn);
  }
  return true;
}

function readSerial(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, SERIAL_BYTES).getUint32(0);
}
