import type { Effect, Input } from '@ringmaster/ring';
import { decodePacket, formatIpv4, MessageType } from '@ringmaster/ring';
import type { Station } from './cluster/station.js';
import type { Observer } from './cluster/world.js';
import { describeFault } from './scenario/describe.js';
import type { Fault } from './scenario/scenario.js';

const TYPE_NAMES = new Map<number, string>(Object.entries(MessageType).map(([name, code]) => [code, name]));
const QUIET = new Set<number>([MessageType.heartbeat, MessageType.alive]);

/** Tells a run as a sequence of readable lines. */
export class Trace implements Observer {
  private readonly write: (line: string) => void;
  private readonly packets: boolean;
  private nowMs: () => number = () => 0;

  /** `packets`: also what goes over the network, heartbeats excepted. */
  constructor(write: (line: string) => void, packets: boolean) {
    this.write = write;
    this.packets = packets;
  }

  /** Whose time the lines show. */
  attached(world: { readonly nowMs: number }): void {
    this.nowMs = () => world.nowMs;
  }

  stepped(station: Station, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) {
      const told = this.tell(effect, station);
      if (told !== undefined) this.line(station.name, told);
    }
  }

  died(station: Station): void {
    this.line(station.name, 'is dead');
  }

  resumed(station: Station): void {
    this.line(station.name, 'wakes up');
  }

  fault(fault: Fault): void {
    this.line('---', `fault: ${describeFault(fault)}`);
  }

  note(text: string): void {
    this.line('---', text);
  }

  private tell(effect: Effect, station: Station): string | undefined {
    switch (effect.kind) {
      case 'phaseChanged':
        return `is ${effect.phase}: ${effect.reason}${effect.phase === 'member' ? ` (ring ${station.state.ring.createdAt})` : ''}`;
      case 'roleChanged':
        return `becomes ${effect.role}: ${effect.reason}`;
      case 'membershipChanged':
        return `sees ${short(effect.member)} ${effect.change}: ${effect.reason}`;
      case 'reassert':
        return `reasserts: ${effect.reason}`;
      case 'downstreamChanged':
        return `sends to ${short(effect.to)} now`;
      case 'send':
        return this.packet(short(effect.to), effect.packet);
      case 'broadcast':
        return this.packet('everybody', effect.packet);
      default:
        return undefined;
    }
  }

  private packet(to: string, bytes: Uint8Array): string | undefined {
    if (!this.packets) return undefined;
    const decoded = decodePacket(bytes);
    if (!decoded.ok) return undefined;
    const loud = decoded.messages.filter((m) => !QUIET.has(m.type));
    if (loud.length === 0) return undefined;
    return `-> ${to}: ${loud.map((m) => TYPE_NAMES.get(m.type) ?? `type ${m.type}`).join(', ')}`;
  }

  private line(who: string, text: string): void {
    this.write(`${this.nowMs().toFixed(1).padStart(9)}  ${who.padEnd(6)} ${text}`);
  }
}

function short(address: number): string {
  return address === 0 ? 'nobody' : formatIpv4(address).replace('10.0.', '.');
}
