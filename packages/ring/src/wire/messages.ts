import type { Address } from '../address.js';
import { NO_ADDRESS } from '../address.js';
import { ByteReader, ByteWriter } from './bytes.js';
import type { Message } from './packet.js';

/** Type codes. Append-only: a code is never given a second meaning. Below 0x80 a message has no body. */
export const MessageType = {
  heartbeat: 0x01,
  alive: 0x02,
  announce: 0x80,
  purge: 0x81,
  assign: 0x82,
  leave: 0x83,
  repair: 0x84,
  splice: 0x85,
  gone: 0x86,
  redirect: 0x87,
  challenge: 0x88,
  proof: 0x89,
  application: 0xc0,
} as const;

const ADDRESS_BYTES = 6;
/** Creation times: wall-clock ms * 256 + the last byte of the founder's address, so that two rings never share one. */
const TIME_BYTES = 7;
const MAC_BYTES = 6;
export const MAX_SERVICES_BYTES = 255;

/** What a member tells the others of itself (R8, R9). Broadcast while joining, as an answer, and as a beacon. */
export interface Announce {
  readonly address: Address;
  /** Creation time of the sender's ring (`creationTime`); 0 while it has none. */
  readonly createdAt: number;
  /** The sender is (re-)entering: it wants answers and, if it has none, an id. */
  readonly joining: boolean;
  /** It dispatches now. Hearing this is how dispatchers meet (R19). */
  readonly dispatching: boolean;
  readonly canDispatch: boolean;
  readonly canServe: boolean;
  /** On its way out: no new work, not eligible (R16). */
  readonly leaving: boolean;
  /** Joining after a start or an expulsion, not together with the others after a purge: not eligible yet. */
  readonly newcomer: boolean;
  readonly id: number;
  /** Highest id that the sender knows to have been given out in this ring. */
  readonly highestId: number;
  readonly weight: number;
  readonly mac: Uint8Array;
  /** Drawn at process start: tells a restart from a repetition. */
  readonly incarnation: number;
  /** The services it offers; opaque here, defined by the node. */
  readonly services: Uint8Array;
}

/** Composes a creation time (R2); `creationTimeMs` takes the wall-clock time out again. */
export function creationTime(wallMs: number, founder: Address): number {
  return Math.floor(wallMs) * 256 + (founder % 256);
}

export function creationTimeMs(createdAt: number): number {
  return Math.floor(createdAt / 256);
}

const FLAG_JOINING = 1;
const FLAG_DISPATCHING = 2;
const FLAG_CAN_DISPATCH = 4;
const FLAG_CAN_SERVE = 8;
const FLAG_LEAVING = 16;
const FLAG_NEWCOMER = 32;

export function encodeAnnounce(a: Announce): Uint8Array {
  const flags =
    (a.joining ? FLAG_JOINING : 0) |
    (a.dispatching ? FLAG_DISPATCHING : 0) |
    (a.canDispatch ? FLAG_CAN_DISPATCH : 0) |
    (a.canServe ? FLAG_CAN_SERVE : 0) |
    (a.leaving ? FLAG_LEAVING : 0) |
    (a.newcomer ? FLAG_NEWCOMER : 0);
  const writer = new ByteWriter(40 + a.services.length);
  writer.uint(a.address, ADDRESS_BYTES).uint(a.createdAt, TIME_BYTES).uint(flags, 1);
  writer.uint(a.id, 1).uint(a.highestId, 1).uint(a.weight, 2).put(a.mac).uint(a.incarnation, 4);
  return writer.uint(a.services.length, 1).put(a.services).finish();
}

export function decodeAnnounce(body: Uint8Array): Announce | undefined {
  const reader = new ByteReader(body);
  const address = reader.uint(ADDRESS_BYTES);
  const createdAt = reader.uint(TIME_BYTES);
  const flags = reader.uint(1);
  const id = reader.uint(1);
  const highestId = reader.uint(1);
  const weight = reader.uint(2);
  const mac = reader.take(MAC_BYTES);
  const incarnation = reader.uint(4);
  const services = reader.take(reader.uint(1));
  if (reader.bad || reader.remaining > 0 || address === 0 || id === 255 || highestId === 255)
    return undefined;
  return {
    address,
    createdAt,
    joining: (flags & FLAG_JOINING) !== 0,
    dispatching: (flags & FLAG_DISPATCHING) !== 0,
    canDispatch: (flags & FLAG_CAN_DISPATCH) !== 0,
    canServe: (flags & FLAG_CAN_SERVE) !== 0,
    leaving: (flags & FLAG_LEAVING) !== 0,
    newcomer: (flags & FLAG_NEWCOMER) !== 0,
    id,
    highestId,
    weight,
    mac,
    incarnation,
    services,
  };
}

/** As `decodeAnnounce`, once for each message, however many ask. */
export function readAnnounce(message: Message): Announce | undefined {
  return (message.announce ??= decodeAnnounce(message.body));
}

/** Why a ring is purged (R11); append-only codes. */
export const PurgeReason = { heartbeatLost: 1, repairFailed: 2, merge: 3, idsExhausted: 4 } as const;
export type PurgeReasonCode = (typeof PurgeReason)[keyof typeof PurgeReason];

/** Everybody leaves the ring of time `purged` and re-enters one of time `createdAt` (R11). */
export interface Purge {
  readonly purged: number;
  readonly createdAt: number;
  readonly purger: Address;
  readonly suspect: Address;
  readonly reason: number;
}

export function encodePurge(p: Purge): Uint8Array {
  const writer = new ByteWriter(27).uint(p.purged, TIME_BYTES).uint(p.createdAt, TIME_BYTES);
  return writer.uint(p.purger, ADDRESS_BYTES).uint(p.suspect, ADDRESS_BYTES).uint(p.reason, 1).finish();
}

export function decodePurge(body: Uint8Array): Purge | undefined {
  const reader = new ByteReader(body);
  const purged = reader.uint(TIME_BYTES);
  const createdAt = reader.uint(TIME_BYTES);
  const purger = reader.uint(ADDRESS_BYTES);
  const suspect = reader.uint(ADDRESS_BYTES);
  const reason = reader.uint(1);
  if (reader.bad || reader.remaining > 0 || purger === NO_ADDRESS) return undefined;
  return { purged, createdAt, purger, suspect, reason };
}

/** The ring master gives `address` its id (R3, R8). Circulates, so that everybody knows the highest id. */
export interface Assign {
  readonly createdAt: number;
  readonly address: Address;
  readonly id: number;
}

export function encodeAssign(a: Assign): Uint8Array {
  return new ByteWriter(14)
    .uint(a.createdAt, TIME_BYTES)
    .uint(a.address, ADDRESS_BYTES)
    .uint(a.id, 1)
    .finish();
}

export function decodeAssign(body: Uint8Array): Assign | undefined {
  const reader = new ByteReader(body);
  const createdAt = reader.uint(TIME_BYTES);
  const address = reader.uint(ADDRESS_BYTES);
  const id = reader.uint(1);
  if (reader.bad || reader.remaining > 0 || address === NO_ADDRESS || id === 0 || id > 254) return undefined;
  return { createdAt, address, id };
}

/**
 * One member out of the ring and the two that close over it: the body of `leave` (R16), `splice` and `gone` (R12).
 * In `splice` only the side that answers is known yet; it stands in both places.
 */
export interface Removal {
  readonly createdAt: number;
  readonly lost: Address;
  readonly upstream: Address;
  readonly downstream: Address;
}

export function encodeRemoval(r: Removal): Uint8Array {
  const writer = new ByteWriter(25).uint(r.createdAt, TIME_BYTES).uint(r.lost, ADDRESS_BYTES);
  return writer.uint(r.upstream, ADDRESS_BYTES).uint(r.downstream, ADDRESS_BYTES).finish();
}

export function decodeRemoval(body: Uint8Array): Removal | undefined {
  const reader = new ByteReader(body);
  const createdAt = reader.uint(TIME_BYTES);
  const lost = reader.uint(ADDRESS_BYTES);
  const upstream = reader.uint(ADDRESS_BYTES);
  const downstream = reader.uint(ADDRESS_BYTES);
  if (reader.bad || reader.remaining > 0 || [lost, upstream, downstream].includes(NO_ADDRESS))
    return undefined;
  return { createdAt, lost, upstream, downstream };
}

/** "Who is the other neighbour of the lost one?", passed on from member to member until it finds it (R12). */
export interface Repair {
  readonly createdAt: number;
  readonly lost: Address;
  readonly detector: Address;
  /** True: the detector lost its NDN and asks against the direction of the ring for whoever has it as NUN. */
  readonly reverse: boolean;
}

export function encodeRepair(r: Repair): Uint8Array {
  const writer = new ByteWriter(20).uint(r.createdAt, TIME_BYTES).uint(r.lost, ADDRESS_BYTES);
  return writer
    .uint(r.detector, ADDRESS_BYTES)
    .uint(r.reverse ? 1 : 0, 1)
    .finish();
}

export function decodeRepair(body: Uint8Array): Repair | undefined {
  const reader = new ByteReader(body);
  const createdAt = reader.uint(TIME_BYTES);
  const lost = reader.uint(ADDRESS_BYTES);
  const detector = reader.uint(ADDRESS_BYTES);
  const reverse = reader.uint(1);
  if (reader.bad || reader.remaining > 0 || lost === NO_ADDRESS || detector === NO_ADDRESS) return undefined;
  if (reverse > 1) return undefined;
  return { createdAt, lost, detector, reverse: reverse === 1 };
}

/** "I am not your NDN: `address` stands between us." */
export interface Redirect {
  readonly createdAt: number;
  readonly address: Address;
}

export function encodeRedirect(r: Redirect): Uint8Array {
  return new ByteWriter(13).uint(r.createdAt, TIME_BYTES).uint(r.address, ADDRESS_BYTES).finish();
}

export function decodeRedirect(body: Uint8Array): Redirect | undefined {
  const reader = new ByteReader(body);
  const createdAt = reader.uint(TIME_BYTES);
  const address = reader.uint(ADDRESS_BYTES);
  return reader.bad || reader.remaining > 0 || address === 0 ? undefined : { createdAt, address };
}
