import { isLoss, type RingState } from '@ringmaster/ring';
import type { RingEvent } from '@ringmaster/transport';
import type { MemberNames } from '../daemon/hosts.js';
import type { EventLog } from './eventLog.js';

const CHANGES: Readonly<Record<string, string>> = {
  joined: 'has joined',
  inactive: 'is not heard any more',
  forgotten: 'is forgotten',
};

/** Tells what the ring decides as events. Members that only say the same again are no news. */
export function tellRingNews(
  event: RingEvent,
  events: Pick<EventLog, 'add'>,
  state: RingState,
  names: MemberNames,
): void {
  switch (event.kind) {
    case 'roleChanged':
      events.add('role', `this node is ${event.role} now: ${event.reason}`, {
        role: event.role,
        reason: event.reason,
      });
      return;
    case 'phaseChanged':
      events.add('phase', `this node is ${event.phase} in the ring: ${event.reason}`, {
        phase: event.phase,
        reason: event.reason,
      });
      return;
    case 'membershipChanged': {
      const { change, reason } = event;
      if (change === 'updated') return;
      const member = names.show(state, event.member);
      events.add('membership', `${member} ${CHANGES[change] ?? change}: ${reason}`, {
        member,
        change,
        reason,
        lost: change === 'inactive' && isLoss(reason),
      });
      return;
    }
    case 'reassert':
      events.add('reassert', `the cluster addresses were announced again: ${event.reason}`, {
        reason: event.reason,
      });
      return;
    default:
      return;
  }
}
