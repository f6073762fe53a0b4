import { expect, it } from 'vitest';
import type { StatusDocument } from '../../src/control/index.js';
import { History, MOST_SAMPLES } from '../../src/history/history.js';

function status(frames: number, members = 2): StatusDocument {
  return {
    ...{ address: '10.0.0.1', id: 1, role: 'dispatcher' },
    ring: {
      ...{ createdAt: 1, dispatcher: '10.0.0.1' },
      members: Array.from({ length: members }, (_, i) => ({
        ...{ address: `10.0.0.${i + 1}`, id: i, mac: '', role: 'server' as const, active: i === 0 },
        load: {
          connections: i,
          newPerSecond: 0,
          acceptQueue: 0,
          acceptQueueLimit: 1,
          responseMs: 1,
          ageMs: 1,
        },
      })),
    },
    connections: { total: 7, halfOpen: 0, established: 7, closing: 0 },
    rebuild: { state: 'idle', percent: 0, ms: 0 },
    counters: {
      forwarded: 0,
      held: 0,
      dropped: { a: frames / 10 },
      frames,
      events: { scheduled: frames / 2 },
    },
  };
}

it('keeps what a second brought', () => {
  const history = new History();
  history.take(status(100), 5000.4, 0);
  history.take(status(300), 6000, 1000);
  history.take(status(300), 7000, 2000);
  expect(history.document(5500)).toEqual({
    intervalMs: 1000,
    samples: [
      {
        ...{ atMs: 6000, connections: 7, newPerSecond: 100, framesPerSecond: 200, droppedPerSecond: 20 },
        ...{ members: 1, dispatcher: '10.0.0.1', failover: false },
        servers: [
          { address: '10.0.0.1', connections: 0 },
          { address: '10.0.0.2', connections: 1 },
        ],
      },
      expect.objectContaining({ atMs: 7000, framesPerSecond: 0 }),
    ],
  });
});

it('is bounded in time, and in large rings', () => {
  const history = new History();
  for (let i = 0; i < MOST_SAMPLES + 5; i++) history.take(status(i, 100), i, i);
  const { samples } = history.document(-1);
  expect(samples.length).toBe(MOST_SAMPLES);
  expect(samples[0].atMs).toBe(5);
  expect(samples[0].servers).toEqual([]);
});

/** What is marked when these are seen to dispatch one after the other; `-x`: x is lost, `<x`: x leaves. */
function failovers(...steps: (string | null)[]): boolean[] {
  const history = new History();
  let seq = 0;
  for (const step of steps) {
    const [, sign, member] = /^([-<])(.*)/.exec(step ?? '') ?? [];
    if (member !== undefined) {
      const facts = { member, change: 'inactive', lost: sign === '-' };
      history.hear({ seq: ++seq, at: '', kind: 'membership', text: '', ...facts });
      continue;
    }
    const { ring, ...rest } = status(0);
    history.take({ ...rest, ring: { ...ring, dispatcher: step } }, ++seq, seq);
  }
  return history.document(-1).samples.map(({ failover }) => failover);
}

it('a failover is another dispatcher after one that was lost, and nothing else', () => {
  expect(failovers('a', '-a', 'b', 'b')).toEqual([false, true, false]);
  expect(failovers('a', '-a', null, null, 'b')).toEqual([false, false, false, true]);
  // Rings that come together, a better one that joins, abdication, one that leaves.
  expect(failovers('b', 'a')).toEqual([false, false]);
  expect(failovers('a', '<a', null, 'b')).toEqual([false, false, false]);
  // Somebody else, or one that is back before another took over, and hands over later.
  expect(failovers('a', '-c', 'b')).toEqual([false, false]);
  expect(failovers('a', '-a', 'a', 'b')).toEqual([false, false, false]);
  // The second in line was lost before it dispatched.
  expect(failovers('a', '-b', '-a', 'c', '-c', 'd')).toEqual([false, true, true]);
});
