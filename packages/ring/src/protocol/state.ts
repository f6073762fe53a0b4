import type { Address } from '../address.js';
import { BROADCAST, NO_ADDRESS } from '../address.js';
import { ENVELOPE_BYTES } from '../session/envelope.js';
import type { Message } from '../wire/packet.js';
import { DEFAULT_MAX_PACKET_BYTES, ID_NONE } from '../wire/packet.js';
import type { Said } from './announcing.js';
import type { ElectionRule } from './election.js';
import { Roster } from './roster.js';

/** All times in milliseconds. `docs/protocol.md`, Timers, says how to choose them. */
export interface RingConfig {
  readonly heartbeatIntervalMs: number;
  /** Silence of the nearest upstream neighbour that counts as its death (R11); grows on a busy host (R15). */
  readonly communicationTimeoutMs: number;
  /** After this long a (re)build is over; also the limit for the confirmation of a repair (R11, R12). */
  readonly broadcastTimeoutMs: number;
  /** Every member repeats its announcement this often: heals lost messages, lets separated rings meet. */
  readonly beaconIntervalMs: number;
  /** Largest packet before it is sealed. */
  readonly maxPacketBytes: number;
  readonly election: ElectionRule;
  /** Whether a preferred member takes the dispatching over from one that works (R19). */
  readonly preempt: boolean;
  /** How long a member has been in the ring before it takes over from a working dispatcher (R19). */
  readonly holdDownMs: number;
  /** Fewer active members than this: nobody dispatches (R19). */
  readonly minimumMembers: number;
  /** A leaving dispatcher waits this long for its successor before it goes anyway (R16). */
  readonly handoverTimeoutMs: number;
  /** Wall clock minus the clock of the inputs, fixed at start: creation times are wall-clock times (R2). */
  readonly wallOffsetMs: number;
}

export const DEFAULT_RING_CONFIG: RingConfig = {
  heartbeatIntervalMs: 50,
  communicationTimeoutMs: 250,
  broadcastTimeoutMs: 100,
  beaconIntervalMs: 1000,
  maxPacketBytes: DEFAULT_MAX_PACKET_BYTES - ENVELOPE_BYTES,
  election: { order: 'smallest', position: 1 },
  preempt: true,
  holdDownMs: 0,
  minimumMembers: 1,
  handoverTimeoutMs: 500,
  wallOffsetMs: 0,
};

/** What a member says of itself (R9). */
export interface SelfDescription {
  readonly address: Address;
  readonly mac: Uint8Array;
  readonly canDispatch: boolean;
  readonly canServe: boolean;
  readonly weight: number;
  readonly services: Uint8Array;
  /** Drawn at process start, 32 bits. */
  readonly incarnation: number;
}

/** The seven variables of the seed (R2). Nothing else of the ring's order is kept. */
export interface RingVariables {
  readonly self: Address;
  smallest: Address;
  greatest: Address;
  /** Nearest downstream neighbour: we send to it. */
  ndn: Address;
  /** Nearest upstream neighbour: we receive from it. */
  nun: Address;
  readonly broadcast: Address;
  createdAt: number;
}

/**
 *            start                rebuilt (broadcast timeout)
 *   idle ------------> joining ------------------------------> member
 *                        ^  ^                                   |   |
 *                        |  +--- purge, expelled, merge, pause -+   | leave
 *                        +---------------- start -------- left <----+
 */
export type Phase = 'idle' | 'joining' | 'member' | 'left';

/**
 *   server ---elected, a dispatcher works---> candidate ---map complete---> dispatcher
 *     ^  +---elected, nobody dispatches----------------------------------------^  |
 *     +--------------------- a preferred one dispatches (abdication) -------------+
 *
 * `standalone` is a dispatcher that is the only active member (R17).
 */
export type Role = 'server' | 'candidate' | 'dispatcher' | 'standalone';

/** How regularly the NUN is heard (R15, `adaptive.ts`). */
export interface GapStatistics {
  smoothedMs: number;
  deviationMs: number;
}

/** A search for the other neighbour of a lost member (R12), unconfirmed so far. */
export interface PendingRepair {
  readonly lost: Address;
  readonly reverse: boolean;
  readonly deadlineMs: number;
}

export interface RingState {
  config: RingConfig;
  self: SelfDescription;
  readonly ring: RingVariables;
  readonly roster: Roster;
  phase: Phase;
  role: Role;
  id: number;
  highestId: number;
  /** Leaving gracefully: 'leave' was commanded (R16). */
  leaving: boolean;
  leaveDeadlineMs: number;
  /** The ring (creation time) in which `id` was given. */
  idRing: number;
  /** Joining after a start or an expulsion, not after a purge. */
  newcomer: boolean;
  /** Creation time to re-enter under (after a purge or from answers); 0: none known yet. */
  joinTarget: number;
  /** The ring that was left by the last purge: a second purge of it is recognised. */
  purgedRing: number;
  joinDeadlineMs: number;
  /** How often the wait for a founder was prolonged. */
  joinRounds: number;
  /** Since when this member has been in its ring without a break. */
  memberSinceMs: number;
  lastNunMs: number;
  /** How regularly the NUN is heard (R15). */
  readonly gaps: GapStatistics;
  lastHeartbeatMs: number;
  lastBeaconMs: number;
  /** When something went to the NDN (R13); 0: nothing yet. */
  lastDownstreamMs: number;
  /** Refusals by the present NDN since it last took something. */
  refusals: number;
  /** Announcements still to be repeated, one a tick: roles must not depend on one datagram. */
  announceBurst: number;
  repair: PendingRepair | undefined;
  /** The announcement that was encoded last: beacons say the same again and again. */
  said: Said | undefined;
  /** How many others claim to dispatch while we do (R19). */
  competitors: number;
  readonly counters: RingCounters;
}

export interface RingCounters {
  packetsReceived: number;
  packetsMalformed: number;
  messagesMalformed: number;
  messagesUnknown: number;
  messagesExpired: number;
  /** Sent round by one who is no active member of this ring. */
  messagesForeign: number;
  heartbeatsSeen: number;
  heartbeatsReturned: number;
  purges: number;
  repairs: number;
  pauses: number;
  expulsions: number;
}

export function createRing(self: SelfDescription, config: Partial<RingConfig> = {}): RingState {
  const address = self.address;
  return {
    config: { ...DEFAULT_RING_CONFIG, ...config },
    self,
    ring: {
      self: address,
      smallest: address,
      greatest: address,
      ndn: address,
      nun: address,
      broadcast: BROADCAST,
      createdAt: 0,
    },
    roster: new Roster(address),
    phase: 'idle',
    role: 'server',
    id: ID_NONE,
    highestId: ID_NONE,
    leaving: false,
    leaveDeadlineMs: 0,
    idRing: 0,
    newcomer: true,
    joinTarget: 0,
    purgedRing: 0,
    joinDeadlineMs: 0,
    joinRounds: 0,
    memberSinceMs: 0,
    lastNunMs: 0,
    gaps: { smoothedMs: 0, deviationMs: 0 },
    lastHeartbeatMs: 0,
    lastBeaconMs: 0,
    lastDownstreamMs: 0,
    refusals: 0,
    announceBurst: 0,
    repair: undefined,
    said: undefined,
    competitors: 0,
    counters: {
      packetsReceived: 0,
      packetsMalformed: 0,
      messagesMalformed: 0,
      messagesUnknown: 0,
      messagesExpired: 0,
      messagesForeign: 0,
      heartbeatsSeen: 0,
      heartbeatsReturned: 0,
      purges: 0,
      repairs: 0,
      pauses: 0,
      expulsions: 0,
    },
  };
}

/** The ring master circulates the heartbeat and gives out ids (R3). */
export function isMaster(state: RingState): boolean {
  return state.phase === 'member' && state.ring.smallest === state.ring.self;
}

export function isAlone(state: RingState): boolean {
  return state.ring.ndn === state.ring.self;
}

export function isDispatching(state: RingState): boolean {
  return state.role === 'dispatcher' || state.role === 'standalone';
}

/** The member that dispatches as far as this one knows; `NO_ADDRESS` while nobody does. */
export function dispatcherOf(state: RingState): Address {
  if (isDispatching(state)) return state.ring.self;
  return state.roster.claimants()[0] ?? NO_ADDRESS;
}

/* ---- what a step returns ---- */

export type TimerName = 'tick' | 'alive' | 'join' | 'joinRepeat';

export type Effect =
  | { readonly kind: 'send'; readonly to: Address; readonly packet: Uint8Array }
  | { readonly kind: 'broadcast'; readonly packet: Uint8Array }
  | { readonly kind: 'setTimer'; readonly timer: TimerName; readonly atMs: number }
  | { readonly kind: 'clearTimer'; readonly timer: TimerName }
  /** The NDN changed: a shell that can hear refusals listens on it now. */
  | { readonly kind: 'downstreamChanged'; readonly to: Address }
  | { readonly kind: 'phaseChanged'; readonly phase: Phase; readonly reason: string }
  | { readonly kind: 'roleChanged'; readonly role: Role; readonly reason: string }
  | {
      readonly kind: 'membershipChanged';
      readonly member: Address;
      readonly change: 'joined' | 'updated' | 'inactive' | 'forgotten';
      readonly reason: string;
    }
  /** A competing dispatcher has given up: announce the cluster addresses again (trap 6). */
  | { readonly kind: 'reassert'; readonly reason: string }
  /** An application message that was addressed to this member or to everybody (R5). */
  | { readonly kind: 'application'; readonly source: number; readonly body: Uint8Array }
  | { readonly kind: 'left' };

/** What of the configuration can change while a member is in the ring: what decides who dispatches (R18, R19). */
export type RoleRules = Pick<RingConfig, 'election' | 'preempt' | 'holdDownMs' | 'minimumMembers'>;

export type Command =
  | { readonly kind: 'start' }
  /** Leave gracefully, handing the dispatching over first (R16). Ends with the effect `left`. */
  | { readonly kind: 'leave'; readonly reason: string }
  /** A candidate's connection map is complete: take over (R19). */
  | { readonly kind: 'mapComplete' }
  /** What this member says of itself has changed (R9): weight 0 for "no new connections", say. */
  | { readonly kind: 'describe'; readonly change: Partial<SelfDescription> }
  /** The rules by which this member dispatches have changed. */
  | { readonly kind: 'configure'; readonly change: Partial<RoleRules> }
  | { readonly kind: 'send'; readonly destination: number; readonly body: Uint8Array };

export interface PacketInput {
  readonly kind: 'packet';
  readonly from: Address;
  /** Opened already, if it was sealed. */
  readonly packet: Uint8Array;
  /** Its messages, if whoever opened it has decoded them. */
  readonly messages?: readonly Message[] | undefined;
  readonly nowMs: number;
}

export type Input =
  | PacketInput
  | { readonly kind: 'timer'; readonly timer: TimerName; readonly dueMs: number; readonly nowMs: number }
  | { readonly kind: 'command'; readonly command: Command; readonly nowMs: number }
  /** A datagram to `address` was refused: a living host, a dead process (R13). */
  | { readonly kind: 'refused'; readonly address: Address; readonly nowMs: number }
  /** A member has proven itself to the session layer: it can hear us from now on (R20). */
  | { readonly kind: 'peer'; readonly address: Address; readonly nowMs: number };

/** What a step works with: the state, the time of the input, and the effects so far. */
export interface Step {
  readonly state: RingState;
  readonly nowMs: number;
  readonly effects: Effect[];
}

/** Messages to pass on to the NDN, gathered while one packet is read (R6). */
export type Outbox = Message[];
