import { describe, expect, it } from 'vitest';
import { EventLog, type NodeEvent } from '../../src/events/eventLog.js';

const numbers = (events: readonly NodeEvent[]): number[] => events.map(({ seq }) => seq);

describe('EventLog', () => {
  it('keeps the last events, numbered without gaps', () => {
    const log = new EventLog({ nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678), capacity: 3 });
    for (let i = 1; i <= 5; i++) log.add('role', `event ${i}`, { role: 'server' });
    expect(numbers(log.after(0))).toEqual([3, 4, 5]);
    expect(numbers(log.after(4))).toEqual([5]);
    expect(numbers(log.after(5))).toEqual([]);
    // Seen before the node was started again.
    expect(numbers(log.after(1000))).toEqual([3, 4, 5]);
    expect(log.after(4)).toEqual([
      { seq: 5, at: '2026-01-02T03:04:05.678Z', kind: 'role', text: 'event 5', role: 'server' },
    ]);
  });

  it('tells listeners until they have heard enough', () => {
    const log = new EventLog({ nowMs: () => 0 });
    const heard: number[] = [];
    const stop = log.subscribe(({ seq }) => {
      heard.push(seq);
      if (seq === 2) stop();
    });
    for (let i = 0; i < 3; i++) log.add('phase', 'x');
    expect(heard).toEqual([1, 2]);
  });
});
