import type { Announce, Message } from '@ringmaster/ring';
import { creationTime, encodeAnnounce, encodeAssign, encodePacket, MessageType } from '@ringmaster/ring';
import { WALL_EPOCH_MS } from './station.js';
import type { Station } from './station.js';
import type { World } from './world.js';

/** How long ago the ring was founded. */
const AGE_MS = 60_000;

/**
 * Lets the stations that are there from the start be one ring, as a quiet start leaves it. Each real core goes through its
 * join: it starts, hears the announcements of all others and its id, and lets the broadcast timeout pass; only what it says
 * meanwhile goes nowhere, for the others are in the ring already. The elected one then says with its ticks that it dispatches.
 */
export function formRing(world: World): void {
  const members = world.stations.filter(({ traits }) => traits.startsAtMs === 0);
  const first = members[0];
  if (!first) return;
  const createdAt = creationTime(WALL_EPOCH_MS - AGE_MS, first.address);
  const highestId = Math.max(...members.map(idOf));
  for (const station of members) station.start(true);
  if (world.scenario.sealed) introduceAll(members);
  const announcements = members.map((station) => announcementOf(station, createdAt, highestId));
  for (const station of members) {
    const assign = encodeAssign({ createdAt, address: station.address, id: idOf(station) });
    station.join(members, announcements, direct(MessageType.assign, assign));
  }
}

/** The one that the master gives. */
function idOf({ address }: Station): number {
  return address % 256;
}

/** What a member says of itself when it has been in the ring for a while. */
function announcementOf(station: Station, createdAt: number, highestId: number): Message {
  const announce: Announce = {
    ...station.state.self,
    createdAt,
    joining: false,
    dispatching: false,
    leaving: false,
    newcomer: false,
    id: idOf(station),
    highestId,
  };
  return direct(MessageType.announce, encodeAnnounce(announce));
}

function direct(type: number, body: Uint8Array): Message {
  return { ttl: 1, destination: 0, source: 0, type, body };
}

/** Every two prove themselves to each other (R20). */
function introduceAll(members: readonly Station[]): void {
  const hello = encodePacket([{ ...direct(MessageType.alive, new Uint8Array(0)) }]);
  members.forEach((a, i) => {
    for (const b of members.slice(i + 1)) {
      let [from, to] = [a, b];
      for (let said = a.seal(hello); said !== undefined; [from, to] = [to, from]) said = to.answerTo(said);
    }
  });
}
