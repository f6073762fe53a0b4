import type { RingStatus, StatusDocument } from '@ringmaster/node';

/** The ring in a status without what changes by itself: what members tell of their load, and what is made of it. */
export function ringOf({ ring }: StatusDocument): RingStatus {
  const members = ring.members.map(({ address, id, mac, role, active, drain }) => ({
    ...{ address, id, mac, role, active },
    ...(drain && { drain }),
  }));
  return { ...ring, members };
}
