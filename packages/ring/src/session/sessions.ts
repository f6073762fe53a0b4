import type { Address } from '../address.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';
import { MessageType } from '../wire/messages.js';
import type { Message } from '../wire/packet.js';
import { decodePacket, encodePacket } from '../wire/packet.js';
import type { Cryptography, Envelope } from './envelope.js';
import { decodeEnvelope, EPOCH_BYTES, MAX_COUNTER, openEnvelope, sealPacket, toHex } from './envelope.js';
import { ReplayWindow } from './replayWindow.js';

/**
 * Who may speak (R20). Every packet is sealed under the cluster key; a sender is believed only while its epoch has
 * been proven to be alive, so that packets recorded from an earlier life of any member are worth nothing, without a
 * clock in common and without anything on disk:
 *
 *   S -> R  packet of an epoch that R does not know: dropped
 *   R -> S  challenge(S's epoch, token)      token = R's time, MAC(R's secret, S's epoch, R's time)
 *   S -> R  proof(token, S's ring address)   R now believes this epoch and counts from this packet on
 *
 * R keeps nothing for an epoch that has not proven itself. A member has one epoch at a time; the one it replaces is
 * remembered as retired until no token of its time can be valid any more.
 */
export interface SessionOptions {
  readonly self: Address;
  /** 8 random bytes, fresh for each start of the process. */
  readonly epoch: Uint8Array;
  readonly crypto: Cryptography;
}

export type SessionDrop =
  | 'notSealed'
  | 'notAuthentic'
  | 'malformed'
  | 'ownPacket'
  | 'replayed'
  | 'retiredEpoch'
  | 'unknownEpoch'
  | 'badProof'
  | 'tooManyChallenges';

export interface SessionResult {
  /** A plain packet from a member that is believed. */
  readonly deliver?: {
    readonly from: Address;
    readonly packet: Uint8Array;
    readonly messages: readonly Message[];
  };
  /** To send back to where the packet came from, sealed already. */
  readonly reply?: Uint8Array;
  /** A member that is believed from now on: greet it. */
  readonly established?: Address;
  readonly drop?: SessionDrop;
}

interface Session {
  readonly address: Address;
  readonly window: ReplayWindow;
  /** When it was proven. */
  readonly sinceMs: number;
}

const TOKEN_BYTES = 16;
/** A token begins with the time of its issue, in whole milliseconds; the rest is the hash. */
const TOKEN_TIME_BYTES = 6;
const TOKEN_LIFE_MS = 4000;
const MAX_SESSIONS = 512;
const MAX_RETIRED = 1024;
const CHALLENGES_PER_SECOND = 600;

export class Sessions {
  private readonly options: SessionOptions;
  private readonly ownEpoch: string;
  private counter = 0;
  private readonly byEpoch = new Map<string, Session>();
  private readonly epochOf = new Map<Address, string>();
  private readonly retired = new Set<string>();
  private allowance = CHALLENGES_PER_SECOND;
  private allowanceAtMs = 0;

  constructor(options: SessionOptions) {
    this.options = options;
    this.ownEpoch = toHex(options.epoch);
  }

  /** True when the counter is used up (after 2^32 packets): the shell starts over with a new epoch. */
  get exhausted(): boolean {
    return this.counter >= MAX_COUNTER;
  }

  seal(plain: Uint8Array): Uint8Array {
    if (this.exhausted) throw new Error('packet counter exhausted: a new epoch is due');
    this.counter++;
    return sealPacket(plain, this.options.epoch, this.counter, this.options.crypto);
  }

  /** Opens what came from the wire. Never throws, whatever the bytes; bounded work and state. */
  receive(bytes: Uint8Array, nowMs: number): SessionResult {
    return this.receiveEnvelope(decodeEnvelope(bytes), nowMs);
  }

  /** As `receive`, for what has been decoded. */
  receiveEnvelope(envelope: Envelope | undefined, nowMs: number): SessionResult {
    if (!envelope) return { drop: 'notSealed' };
    if (envelope.epoch === this.ownEpoch) return { drop: 'ownPacket' };
    if (this.retired.has(envelope.epoch)) return { drop: 'retiredEpoch' };
    const plain = openEnvelope(envelope, this.options.crypto);
    if (!plain) return { drop: 'notAuthentic' };
    const session = this.byEpoch.get(envelope.epoch);
    if (!session) return this.receiveUnknown(envelope, plain, nowMs);
    if (!session.window.accept(envelope.counter)) return { drop: 'replayed' };
    const decoded = decodePacket(plain);
    if (!decoded.ok) return { drop: 'malformed' };
    const reply = this.answerChallenges(decoded.messages, undefined);
    const deliver = { from: session.address, packet: plain, messages: decoded.messages };
    return reply ? { deliver, reply } : { deliver };
  }

  /** A packet of an epoch that has not proven itself: only proofs and challenges are looked at. */
  private receiveUnknown(envelope: Envelope, plain: Uint8Array, nowMs: number): SessionResult {
    const decoded = decodePacket(plain);
    if (!decoded.ok) return { drop: 'malformed' };
    for (const message of decoded.messages) {
      if (message.type !== MessageType.proof) continue;
      const address = this.verifyProof(message.body, envelope.epoch, nowMs);
      if (address === undefined) return { drop: 'badProof' };
      this.establish(address, envelope, nowMs);
      const reply = this.answerChallenges(decoded.messages, undefined);
      return { established: address, ...(reply && { reply }) };
    }
    if (!this.mayChallenge(nowMs)) return { drop: 'tooManyChallenges' };
    const challenge = this.challengeFor(envelope.epoch, nowMs);
    const reply = this.answerChallenges(decoded.messages, challenge);
    return { drop: 'unknownEpoch', ...(reply && { reply }) };
  }

  private establish(address: Address, envelope: Envelope, sinceMs: number): void {
    const before = this.epochOf.get(address);
    if (before !== undefined && before !== envelope.epoch) {
      this.byEpoch.delete(before);
      this.retire(before);
    }
    if (this.byEpoch.size >= MAX_SESSIONS) this.forgetOldest();
    this.epochOf.set(address, envelope.epoch);
    const window = new ReplayWindow(envelope.counter);
    this.byEpoch.set(envelope.epoch, { address, window, sinceMs });
  }

  private forgetOldest(): void {
    for (const [epoch, session] of this.byEpoch) {
      this.byEpoch.delete(epoch);
      this.epochOf.delete(session.address);
      this.retire(epoch);
      return;
    }
  }

  private retire(epoch: string): void {
    this.retired.add(epoch);
    if (this.retired.size <= MAX_RETIRED) return;
    for (const oldest of this.retired) {
      this.retired.delete(oldest);
      return;
    }
  }

  private mayChallenge(nowMs: number): boolean {
    const refill = ((nowMs - this.allowanceAtMs) / 1000) * CHALLENGES_PER_SECOND;
    this.allowance = Math.min(CHALLENGES_PER_SECOND, this.allowance + Math.max(0, refill));
    this.allowanceAtMs = nowMs;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }

  /** Answers a challenge to our own epoch with a proof; `extra` goes along (our challenge to them). */
  private answerChallenges(messages: readonly Message[], extra: Message | undefined): Uint8Array | undefined {
    const answers: Message[] = extra ? [extra] : [];
    for (const message of messages) {
      if (message.type !== MessageType.challenge) continue;
      const reader = new ByteReader(message.body);
      const forEpoch = toHex(reader.take(EPOCH_BYTES));
      const token = reader.take(TOKEN_BYTES);
      if (reader.bad || reader.remaining > 0 || forEpoch !== this.ownEpoch) continue;
      const body = new ByteWriter(22).put(token).uint(this.options.self, 6).finish();
      answers.push({ ttl: 1, destination: 0, source: 0, type: MessageType.proof, body });
      break;
    }
    return answers.length === 0 ? undefined : this.seal(encodePacket(answers));
  }

  private challengeFor(epoch: string, nowMs: number): Message {
    const token = this.tokenFor(epoch, Math.floor(nowMs));
    const body = new ByteWriter(24).put(fromHex(epoch)).put(token).finish();
    return { ttl: 1, destination: 0, source: 0, type: MessageType.challenge, body };
  }

  private verifyProof(body: Uint8Array, epoch: string, nowMs: number): Address | undefined {
    const reader = new ByteReader(body);
    const token = reader.take(TOKEN_BYTES);
    const address = reader.uint(6);
    if (reader.bad || reader.remaining > 0 || address === 0 || address === this.options.self)
      return undefined;
    const issuedMs = new ByteReader(token).uint(TOKEN_TIME_BYTES);
    if (issuedMs > nowMs || nowMs - issuedMs > TOKEN_LIFE_MS) return undefined;
    if (toHex(this.tokenFor(epoch, issuedMs)) !== toHex(token)) return undefined;
    return this.isOutdated(address, issuedMs) ? undefined : address;
  }

  /**
   * A proof that was asked for before the member's present epoch proved itself is from an earlier life, late or held back:
   * it would retire the living epoch, and lock the member out.
   */
  private isOutdated(address: Address, issuedMs: number): boolean {
    const present = this.byEpoch.get(this.epochOf.get(address) ?? '');
    return present !== undefined && issuedMs < present.sinceMs;
  }

  private tokenFor(epoch: string, issuedMs: number): Uint8Array {
    const time = new ByteWriter(TOKEN_TIME_BYTES).uint(issuedMs, TOKEN_TIME_BYTES).finish();
    const hash = this.options.crypto.token(new ByteWriter(14).put(fromHex(epoch)).put(time).finish());
    return new ByteWriter(TOKEN_BYTES)
      .put(time)
      .put(hash.subarray(0, TOKEN_BYTES - TOKEN_TIME_BYTES))
      .finish();
  }
}

function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
