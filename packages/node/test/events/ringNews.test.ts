import type { RingState } from '@ringmaster/ring';
import { expect, it } from 'vitest';
import type { MemberNames } from '../../src/daemon/hosts.js';
import { EventLog } from '../../src/events/eventLog.js';
import { tellRingNews } from '../../src/events/ringNews.js';

const NAMES = { show: () => '10.0.0.12' } as unknown as MemberNames;

/** What is said of a member. */
function told(change: 'joined' | 'inactive' | 'forgotten', reason: string): boolean | undefined {
  const events = new EventLog({ nowMs: () => 0 });
  tellRingNews({ kind: 'membershipChanged', member: 1, change, reason }, events, {} as RingState, NAMES);
  expect(events.after(0)).toMatchObject([{ kind: 'membership', member: '10.0.0.12', change, reason }]);
  return events.after(0)[0]['lost'] as boolean;
}

it('a member is lost that went, but not of its own will, nor to come back in a ring that grows together', () => {
  expect(told('inactive', 'gone, gap closed')).toBe(true);
  expect(told('inactive', 'ring purge: heartbeat lost')).toBe(true);
  expect(told('inactive', 'left')).toBe(false);
  expect(told('inactive', 'ring purge: joins an older ring')).toBe(false);
  expect(told('joined', 'announced itself')).toBe(false);
  expect(told('forgotten', 'long gone')).toBe(false);
});
