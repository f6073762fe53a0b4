import {
  createRing,
  decodePacket,
  type Effect,
  type Input,
  MAX_ID,
  MAX_MEMBERS,
  type RingState,
  step,
  type TimerName,
} from '@ringmaster/ring';
import { must } from '../target.js';

export const SELF = 0x0a000005;
/** Timers that are due are fired at most so often in one go: a member that sets one for "now" for ever would be a hang. */
const MAX_FIRED = 2000;
/**
 * Effects of one input: what each of up to 127 messages leads to, and for each member that is known a change (twice, when
 * one packet purges the ring and another message of it rebuilds it).
 */
const MAX_EFFECTS = 8 * 127 + 4 * MAX_MEMBERS;

/** A member of a ring with its timers, whose every step is checked. */
export class RingMember {
  readonly state: RingState;
  nowMs = 1000;
  private readonly timers = new Map<TimerName, number>();

  constructor() {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 5);
    const self = { address: SELF, mac, canDispatch: true, canServe: true, weight: 1, incarnation: 1 };
    this.state = createRing({ ...self, services: new Uint8Array(0) }, { wallOffsetMs: 1_700_000_000_000 });
  }

  /** Gives an input and checks what comes of it. */
  input(input: Input): void {
    const effects = step(this.state, input);
    must(effects.length <= MAX_EFFECTS, `${effects.length} effects of one ${input.kind}`);
    for (const effect of effects) this.take(effect);
    checkState(this.state);
  }

  /** Lets time pass; timers fire when they are due, or all late when the member was paused. */
  pass(ms: number, paused: boolean): void {
    const endMs = this.nowMs + ms;
    for (let fired = 0; fired < MAX_FIRED; fired++) {
      const [timer, dueMs] = this.nextTimer();
      if (timer === undefined || dueMs > endMs) break;
      must(fired < MAX_FIRED - 1, `${timer} fires for ever`);
      this.timers.delete(timer);
      this.nowMs = Math.max(this.nowMs, paused ? endMs : dueMs);
      this.input({ kind: 'timer', timer, dueMs, nowMs: this.nowMs });
    }
    this.nowMs = endMs;
  }

  private nextTimer(): [TimerName | undefined, number] {
    let first: TimerName | undefined;
    let firstMs = Infinity;
    for (const [timer, dueMs] of this.timers) {
      if (dueMs < firstMs) [first, firstMs] = [timer, dueMs];
    }
    return [first, firstMs];
  }

  private take(effect: Effect): void {
    switch (effect.kind) {
      case 'setTimer':
        must(Number.isFinite(effect.atMs), `timer ${effect.timer} at ${effect.atMs}`);
        this.timers.set(effect.timer, effect.atMs);
        return;
      case 'clearTimer':
        this.timers.delete(effect.timer);
        return;
      case 'send':
        must(Number.isSafeInteger(effect.to) && effect.to > 0, `sends to ${effect.to}`);
        return this.checkPacket(effect.packet);
      case 'broadcast':
        return this.checkPacket(effect.packet);
      default:
    }
  }

  private checkPacket(packet: Uint8Array): void {
    must(packet.length <= this.state.config.maxPacketBytes, `a packet of ${packet.length} bytes`);
    const decoded = decodePacket(packet);
    must(decoded.ok, `sends what does not decode: ${decoded.ok ? '' : decoded.fault}`);
  }
}

function checkState(state: RingState): void {
  const { ring, roster } = state;
  for (const id of [state.id, state.highestId]) must(id >= 0 && id <= MAX_ID, `id ${id}`);
  for (const address of [ring.smallest, ring.greatest, ring.ndn, ring.nun]) {
    must(Number.isSafeInteger(address) && address > 0, `a neighbour at ${address}`);
  }
  must(Number.isSafeInteger(ring.createdAt) && ring.createdAt >= 0, `created at ${ring.createdAt}`);
  const members = roster.all();
  must(members.length < MAX_MEMBERS, `${members.length} members`);
  for (let i = 1; i < members.length; i++) {
    must(members[i - 1].address < members[i].address, 'members out of order');
  }
  must(!members.some((member) => member.address === SELF), 'counts itself among the others');
}
