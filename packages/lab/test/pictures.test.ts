import { describe, expect, test } from 'vitest';
import { bars, ringPicture, timeline } from '../src/demo/pictures.js';

describe('ringPicture', () => {
  test('draws the living in order, closed to a ring, and names the dead below', () => {
    const lines = ringPicture([
      { name: 'n1', state: 'dead' },
      { name: 'n2', state: 'dispatcher' },
      { name: 'n3', state: 'server' },
    ]);
    expect(lines).toEqual([
      '┌─> n2 ──────────────────> n3 ────┐',
      '│   dispatches + serves    serves │',
      '└─────────────────────────────────┘',
      'out of the ring: n1',
    ]);
  });

  test('a ring of one is still a ring; no ring at all is only a list of the dead', () => {
    expect(ringPicture([{ name: 'n1', state: 'dispatcher' }])).toHaveLength(3);
    expect(ringPicture([{ name: 'n1', state: 'dead' }])).toEqual(['out of the ring: n1']);
  });
});

describe('bars', () => {
  test('are sorted by name and drawn to the scale of the longest', () => {
    expect(bars({ n2: 50, n10: 0, n1: 100 }, 4)).toEqual(['n1  ████ 100', 'n10      0', 'n2  ██   50']);
  });

  test('nothing served draws nothing', () => {
    expect(bars({}, 4)).toEqual([]);
    expect(bars({ n1: 0 }, 4)).toEqual(['n1      0']);
  });
});

describe('timeline', () => {
  const request = (start: number, server?: string) => ({
    event: 'request' as const,
    start,
    end: start + 1,
    ...(server === undefined ? { error: 'timeout' } : { server }),
  });

  test('a failure marks its slot whatever else was served in it; slots without a start are blank', () => {
    const requests = [request(100, 'n1'), request(110), request(115, 'n2'), request(135, 'n1')];
    expect(timeline(requests, 100, 140, 10)).toBe('█x █');
  });

  test('requests outside the window are left out', () => {
    expect(timeline([request(99, 'n1'), request(120, 'n1')], 100, 120, 10)).toBe('  ');
  });
});
