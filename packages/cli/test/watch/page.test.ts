import fc from 'fast-check';
import type { MemberStatus, NodeEvent, StatusDocument } from '@ringmaster/node';
import { describe, expect, it } from 'vitest';
import { WatchModel } from '../../src/watch/model.js';
import { page, short, sparkline } from '../../src/watch/page.js';

function member(number: number, change: Partial<MemberStatus> = {}): MemberStatus {
  return {
    ...{ address: `10.0.0.${number}`, id: number, mac: '02:00:00:00:00:01', role: 'server', active: true },
    load: {
      connections: 10 * number,
      newPerSecond: 5,
      acceptQueue: 0,
      acceptQueueLimit: 128,
      responseMs: 1,
      ageMs: 1,
    },
    ...change,
  };
}

function statusOf(members: readonly MemberStatus[], change: Partial<StatusDocument> = {}): StatusDocument {
  return {
    ...{ address: '10.0.0.11', id: 1, role: 'dispatcher' },
    ring: { createdAt: 1, dispatcher: '10.0.0.11', members },
    connections: { total: 1234, halfOpen: 4, established: 1200, closing: 30, limit: 65536 },
    rebuild: { state: 'done', percent: 100, ms: 24 },
    health: [
      { check: 'http://127.0.0.1/', state: 'good', ok: true, responseMs: 1, ageMs: 1, lastFailure: null },
    ],
    counters: { forwarded: 0, held: 0, dropped: {}, frames: 0, events: { scheduled: 0 } },
    ...change,
  };
}

const FOUR = [
  member(11, { role: 'dispatcher' }),
  member(12),
  member(13, { drain: { state: 'draining', connections: 3, deadlineInMs: 20_000 } }),
  member(14, { active: false }),
];
const EVENT: NodeEvent = {
  seq: 1,
  at: '2026-01-02T03:04:05.678Z',
  kind: 'role',
  text: 'this node is dispatcher now',
};

function modelOf(...statuses: StatusDocument[]): WatchModel {
  const model = new WatchModel();
  statuses.forEach((status, second) => model.take(status, 1000 * second));
  model.hear(EVENT);
  return model;
}

const plain = (line: string): string => line.replace(/\u001b\[[0-9;]*m/g, '');

describe('the page', () => {
  it('draws the ring and tells of every member', () => {
    const text = page(modelOf(statusOf(FOUR)), 110, 34, false).join('\n');
    for (const { address } of FOUR) expect(text.split(address).length, address).toBeGreaterThan(2);
    for (const said of [
      '■',
      '●',
      '○',
      '→',
      '←',
      'ringmaster 10.0.0.11, dispatcher',
      '3 of 4 serve',
      'learned in 24 ms',
    ])
      expect(text).toContain(said);
    for (const said of [
      'draining, 3 connections left, reset in 20 s',
      'does not serve',
      '1.2k open',
      '03:04:05',
    ])
      expect(text).toContain(said);
  });

  it('has a list instead of a ring where there is no room for one, or too many are in it', () => {
    const narrow = page(modelOf(statusOf(FOUR)), 80, 24, false).join('\n');
    expect(narrow).not.toContain('→');
    expect(narrow).toContain('10.0.0.14');
    const many = Array.from({ length: 60 }, (_, i) => member(i + 1));
    const crowded = page(modelOf(statusOf(many)), 120, 40, false).join('\n');
    expect(crowded).not.toContain('→');
    expect(crowded).toMatch(/and \d+ more: ringmaster members/);
    expect(crowded).toContain('this node is dispatcher now');
  });

  it('works rates out, and does not mind a node that was started again', () => {
    const counters = (frames: number, scheduled: number, dropped: number) => ({
      counters: { forwarded: 0, held: 0, dropped: { noServer: dropped }, frames, events: { scheduled } },
    });
    const model = modelOf(statusOf(FOUR, counters(100, 10, 0)), statusOf(FOUR, counters(2600, 60, 7)));
    expect(model.rates).toEqual({ framesPerSecond: 2500, newPerSecond: 50, droppedPerSecond: 7 });
    model.take(statusOf(FOUR, counters(5, 0, 0)), 2000);
    expect(model.rates).toEqual({ framesPerSecond: 0, newPerSecond: 0, droppedPerSecond: 0 });
  });

  it('says when nobody answers, before and after it knew something', () => {
    const model = new WatchModel();
    model.fail('no node answers at /run/x');
    expect(page(model, 80, 24, false).join('\n')).toContain('no node answers');
    model.take(statusOf(FOUR), 0);
    expect(page(model, 80, 24, false).join('\n')).not.toContain('no node answers');
    model.fail('no node answers at /run/x');
    expect(page(model, 80, 24, false)[0]).toContain('no node answers');
  });

  it('never is wider or higher than the terminal, nor lets a text command it', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 254 }),
        texts,
        (width, height, count, text) => {
          const members = Array.from({ length: count }, (_, i) => member(i + 1));
          const model = modelOf(statusOf(members, { address: text }));
          model.hear({ ...EVENT, text });
          model.fail(text);
          for (const colours of [false, true]) {
            const lines = page(model, width, height, colours);
            expect(lines.length).toBe(height);
            for (const line of lines) {
              expect(plain(line).length).toBeLessThanOrEqual(width);

              expect(plain(line)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
            }
          }
        },
      ),
    );
  });

  it('uses colours only when it may', () => {
    const model = modelOf(statusOf(FOUR));
    const coloured = page(model, 110, 34, true);
    expect(coloured.join('')).toContain('\u001b[0;1;36m■');
    expect(coloured.map(plain).map((line) => line.trimEnd())).toEqual(
      page(model, 110, 34, false).map((line) => line.trimEnd()),
    );
  });
});

describe('parts of it', () => {
  it('draws curves on a scale of their own', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([0, 0], 8)).toBe('▁▁');
    expect(sparkline([9, 9, 0, 1000], 2)).toBe('▁█');
  });

  it('shortens numbers', () => {
    expect([0, 7.4, 999, 1234, 12_345, 4_000_000].map(short)).toEqual([
      '0',
      '7',
      '999',
      '1.2k',
      '12k',
      '4.0M',
    ]);
  });
});
