import type { Effect, RingState } from '@ringmaster/ring';
import { decodeAnnounce, MessageType } from '@ringmaster/ring';
import { messagesOf, rewriteSent } from './packets.js';
import type { Sabotage } from './sabotage.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Election, membership and order. */
export const neverAbdicate = (): Sabotage => ({
  name: 'never-abdicate',
  breaks: 'R19: a dispatcher that meets a preferred one goes on',
  step: (station, input, core) => {
    const effects = core(input);
    const abdicated = effects.some((e) => e.kind === 'roleChanged' && e.reason.startsWith('abdicated'));
    if (!abdicated) return effects;
    station.state.role = 'dispatcher';
    return effects.filter((e) => e.kind !== 'roleChanged');
  },
});

export const wrongRule = (): Sabotage => ({
  name: 'wrong-rule',
  breaks: 'R18: one member elects by another rule than the others',
  step: (station, input, core) => {
    const { election } = station.state.config;
    if (station.index === 0 && input.kind === 'command' && input.command.kind === 'start') {
      const order = election.order === 'smallest' ? 'largest' : 'smallest';
      (station.state.config as Writable<RingState['config']>).election = { ...election, order };
    }
    return core(input);
  },
});

export const ignoreQuorum = (): Sabotage => ({
  name: 'ignore-quorum',
  breaks: 'R19: dispatches with fewer members than the minimum',
  step: (station, input, core) => {
    const config = station.state.config as Writable<RingState['config']>;
    const wanted = config.minimumMembers;
    config.minimumMembers = 1;
    const effects = core(input);
    config.minimumMembers = wanted;
    return effects;
  },
});

export const neverMerge = (): Sabotage => ({
  name: 'never-merge',
  breaks: 'R10: a member does not hear older rings',
  step: (station, input, core) => {
    if (input.kind !== 'packet' || station.state.phase !== 'member') return core(input);
    const older = messagesOf(input.packet).some((message) => {
      const heard = message.type === MessageType.announce ? decodeAnnounce(message.body) : undefined;
      return heard !== undefined && !heard.joining && heard.createdAt < station.state.ring.createdAt;
    });
    return older ? [] : core(input);
  },
});

export const noBeacons = (): Sabotage => ({
  name: 'no-beacons',
  breaks: 'R10: members do not repeat their announcements, so separated rings never meet',
  step: (station, input, core) => {
    const effects = core(input);
    const quiet = input.kind === 'timer' && station.state.phase === 'member';
    return quiet ? effects.filter((e) => e.kind !== 'broadcast') : effects;
  },
});

export const keepOldNeighbour = (): Sabotage => ({
  name: 'keep-old-neighbour',
  breaks: 'R8: a newcomer is not spliced in between',
  step: (station, input, core) => {
    const { ring } = station.state;
    const before = ring.ndn;
    const effects = core(input);
    if (input.kind === 'packet' && before !== ring.self && ring.ndn !== before) ring.ndn = before;
    return effects;
  },
});

export const keepTheDead = (): Sabotage => ({
  name: 'keep-the-dead',
  breaks: 'R11, R12: who is gone stays on the list',
  step: (station, input, core) => {
    const effects = core(input);
    for (const effect of effects) {
      const gone = effect.kind === 'membershipChanged' && effect.change === 'inactive';
      const member = gone ? station.state.roster.get(effect.member) : undefined;
      if (member)
        station.state.roster.note({ ...member, createdAt: 0, joining: false, highestId: 0 }, input.nowMs);
    }
    return effects;
  },
});

export const noHeartbeat = (): Sabotage => ({
  name: 'no-heartbeat',
  breaks: 'R3: the master starts no heartbeat',
  step: (_station, input, core) =>
    rewriteSent(core(input), (m) =>
      m.type === MessageType.heartbeat ? { ...m, type: MessageType.alive, ttl: 1 } : m,
    ),
});

export const impatient = (): Sabotage => ({
  name: 'impatient',
  breaks: 'R11: a single late heartbeat counts as death',
  step: (station, input, core) => {
    if (input.kind === 'timer' && input.timer === 'tick') station.state.lastNunMs -= 210;
    return core(input);
  },
});

export const accuseWhilePaused = (): Sabotage => ({
  name: 'accuse-while-paused',
  breaks: 'R14: who was paused does not notice it',
  step: (_station, input, core) => core(input.kind === 'timer' ? { ...input, dueMs: input.nowMs } : input),
});

export const giveIdTwice = (): Sabotage => ({
  name: 'give-id-twice',
  breaks: 'R3: every newcomer is given the same id',
  step: (_station, input, core) =>
    rewriteSent(core(input), (message) => {
      if (message.type !== MessageType.assign) return message;
      const body = message.body.slice();
      body[body.length - 1] = 200;
      return { ...message, body };
    }),
});

export const forgetTtl = (): Sabotage => ({
  name: 'forget-ttl',
  breaks: 'R6: members forget to decrement the time to live',
  step: (_station, input, core) => {
    const effects = core(input);
    if (input.kind !== 'packet') return effects;
    return rewriteSent(effects, (m) => (m.type === MessageType.application ? { ...m, ttl: m.ttl + 1 } : m));
  },
});

export const sendTwice = (): Sabotage => ({
  name: 'send-twice',
  breaks: 'R6: a message that is passed on is passed on twice',
  step: (_station, input, core) =>
    core(input).flatMap((effect): Effect[] => {
      if (effect.kind !== 'send') return [effect];
      const speaks = messagesOf(effect.packet).some((m) => m.type === MessageType.application);
      return speaks ? [effect, effect] : [effect];
    }),
});
