import type { SessionResult } from '@ringmaster/ring';
import { decodeEnvelope, openEnvelope, TAG_BYTES } from '@ringmaster/ring';
import type { Station } from '../cluster/station.js';
import { messagesOf } from './packets.js';
import type { Sabotage } from './sabotage.js';

/** Rebuilding the connection map (S9, dispatch.md). */
export const takeOverEarly = (): Sabotage => ({
  name: 'take-over-early',
  breaks: 'R19: a candidate takes over before its connection map is complete, and holds nothing',
  step: (_station, input, core) => {
    const effects = core(input);
    const candidate = effects.some((e) => e.kind === 'roleChanged' && e.role === 'candidate');
    if (!candidate) return effects;
    return [...effects, ...core({ kind: 'command', command: { kind: 'mapComplete' }, nowMs: input.nowMs })];
  },
  hold: () => false,
});

export const neverHold = (): Sabotage => ({
  name: 'never-hold',
  breaks: 'Failover: packets of unknown connections are dropped while the map is rebuilt',
  hold: () => false,
});

export const askNobody = (): Sabotage => ({
  name: 'ask-nobody',
  breaks: 'S9: a new dispatcher asks nobody for connections',
  ask: () => false,
});

export const askOnlyItself = (): Sabotage => ({
  name: 'ask-only-itself',
  breaks: 'S9: a new dispatcher asks its own kernel only',
  ask: (station, member) => station.address === member,
});

export const creditWrongServer = (): Sabotage => ({
  name: 'credit-wrong-server',
  breaks: 'S9: reported connections are entered as those of the dispatcher itself',
  reporter: (station) => station.address,
});

/** Security (R20). */
export const acceptReplays = (): Sabotage => ({
  name: 'accept-replays',
  breaks: 'R20: packets that were seen already are believed again',
  open: (station, bytes, nowMs) => {
    const result = station.sessions?.receive(bytes, nowMs);
    if (result?.drop !== 'replayed') return result;
    return believe(station, bytes, true);
  },
});

export const acceptForgeries = (): Sabotage => ({
  name: 'accept-forgeries',
  breaks: 'R20: a packet whose tag is wrong is believed',
  open: (station, bytes, nowMs) => {
    const result = station.sessions?.receive(bytes, nowMs);
    return result?.drop === 'notAuthentic' ? believe(station, bytes, false) : result;
  },
});

export const acceptStrangers = (): Sabotage => ({
  name: 'accept-strangers',
  breaks: 'R20: an epoch need not prove itself, so a recording of an earlier life is believed',
  open: (station, bytes, nowMs) => {
    const result = station.sessions?.receive(bytes, nowMs);
    const strange = result?.drop === 'unknownEpoch' || result?.drop === 'retiredEpoch';
    return strange ? believe(station, bytes, true) : result;
  },
});

/** Delivers a packet as its sender's, whoever that is by the bookkeeping of the simulation. */
function believe(station: Station, bytes: Uint8Array, authentic: boolean): SessionResult {
  const envelope = decodeEnvelope(bytes);
  const from = envelope && station.world.senders.get(envelope.epoch)?.station.address;
  if (!envelope || from === undefined) return { drop: 'malformed' };
  if (authentic) {
    const packet = openEnvelope(envelope, station.cryptography);
    return packet ? { deliver: { from, packet, messages: messagesOf(packet) } } : { drop: 'notAuthentic' };
  }
  const packet = new Uint8Array(1 + Math.max(0, envelope.ciphertext.length - TAG_BYTES));
  packet[0] = envelope.messageCount;
  packet.set(envelope.ciphertext.subarray(0, packet.length - 1), 1);
  return { deliver: { from, packet, messages: messagesOf(packet) } };
}
