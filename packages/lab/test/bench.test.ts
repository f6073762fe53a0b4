import { describe, expect, test } from 'vitest';
import { failoverLines } from '../src/bench/failovers.js';
import { DIRECT, RINGMASTER } from '../src/bench/contenders.js';
import { parseWrk } from '../src/bench/load.js';
import { picture } from '../src/bench/picture.js';
import { rebuildLines } from '../src/bench/rebuilds.js';
import { compare, figure, table, type Series } from '../src/bench/report.js';
import { median, pairedRatios, percentile } from '../src/bench/statistics.js';
import { targetLines } from '../src/bench/targets.js';

const REPORT = `Running 2s test @ http://10.0.0.100/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.21ms    1.02ms  30.10ms   98.70%
    Req/Sec    54.10k     2.05k   58.00k    70.00%
  Latency Distribution
     50%  335.00us
     75%    1.10ms
     90%    1.53ms
     99%    1.20s
  107600 requests in 2.00s, 15.41MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  53800.12
Transfer/sec:      7.70MB
`;

describe('parseWrk', () => {
  test('reads figures in their units and adds up all kinds of errors', () => {
    expect(parseWrk(REPORT)).toEqual({
      requestsPerSecond: 53800.12,
      bytesPerSecond: 7.7 * 1024 * 1024,
      p50Us: 335,
      p99Us: 1_200_000,
      errors: 15,
    });
  });

  test('a report without errors has none; bytes come without a letter', () => {
    const calm = REPORT.replace(/^ {2}(Socket|Non).*\n/gm, '').replace('7.70MB', '512.00B');
    expect(parseWrk(calm)).toMatchObject({ errors: 0, bytesPerSecond: 512 });
  });

  test('anything else is refused with what was said', () => {
    expect(() => parseWrk('unable to connect')).toThrow(/unable to connect/);
  });
});

describe('statistics', () => {
  test('median of odd and even counts', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('ratios are taken round by round, so a disturbance of both sides cancels', () => {
    expect(pairedRatios([90, 9, 80], [100, 10, 100])).toEqual({ median: 0.9, min: 0.8, max: 0.9 });
  });
});

describe('report', () => {
  const series = [
    { contender: 'direct', work: 'keep-alive' as const, unit: 'requests/s', values: [100, 200], errors: 0 },
    { contender: 'other', work: 'keep-alive' as const, unit: 'requests/s', values: [80, 180], errors: 3 },
  ];

  test('compares with the base of the same work and unit', () => {
    const rows = compare(series, 'direct');
    expect(rows[0].ratio).toEqual({ median: 1, min: 1, max: 1 });
    expect(rows[1].ratio.median).toBeCloseTo(0.85);
    expect(rows[1]).toMatchObject({ median: 130, errors: 3 });
  });

  test('the columns of the table line up', () => {
    const lines = table(compare(series, 'direct'));
    expect(lines).toHaveLength(4);
    expect(lines[3]).toMatch(/^keep-alive {2}other +130\.0 +requests\/s +0\.85 +0\.80 - 0\.90 +3$/);
    expect(lines[2].indexOf('requests/s')).toBe(lines[3].indexOf('requests/s'));
  });

  test('without the base the first contender is what others are compared with', () => {
    const rows = compare(series, 'nobody');
    expect(rows[0].ratio.median).toBe(1);
    expect(rows[1].ratio.median).toBeCloseTo(0.85);
  });

  test('figures keep a few digits', () => {
    expect([5.25, 48_100, 3_038_689_361].map(figure)).toEqual(['5.3', '48.1k', '3.0G']);
  });
});

describe('failover series', () => {
  const killed = (gapsMs: readonly number[]) =>
    failoverLines([{ contender: 'Ringmaster', fault: 'killed', gapsMs }]);

  test('percentiles are values that occurred', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 99, 100]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('a target that was missed is called missed', () => {
    expect(killed([30, 40, 150])[0]).toMatch(/p50 40 ms, p99 150 ms, max 150 ms of 3 runs .*: met\)/);
    expect(killed([30, 40, 151])[0]).toMatch(/MISSED/);
    expect(killed([30, 61, 70])[0]).toMatch(/MISSED/);
  });
});

describe('targets', () => {
  const of = (contender: string, work: string, unit: string, values: number[]): Series => {
    return { contender, work, unit, values, errors: 0 };
  };
  const lines = (series: readonly Series[]) => targetLines(compare(series, DIRECT));

  test('ratios are those of the rounds, and only of what was measured', () => {
    const direct = of(DIRECT, 'keep-alive', 'requests/s', [100, 10, 100]);
    const own = (values: number[]) => of(RINGMASTER, 'keep-alive', 'requests/s', values);
    expect(lines([direct, own([85, 9, 84])])).toEqual(['keep-alive: 0.85 of direct (target 0.85: met)']);
    expect(lines([direct, own([84, 9, 80])])).toEqual(['keep-alive: 0.84 of direct (target 0.85: MISSED)']);
    expect(lines([direct])).toEqual([]);
  });

  test('latencies are differences', () => {
    const direct = of(DIRECT, 'latency', 'us p50', [30, 60, 40]);
    const own = of(RINGMASTER, 'latency', 'us p50', [45, 70, 90]);
    expect(lines([direct, own])).toEqual(['latency: 15.0 us p50 over direct (target at most 30: met)']);
  });

  test('learning so many connections has a target for the numbers that were asked for', () => {
    const series = [
      { connections: 100_000, ms: [200, 301, 400] },
      { connections: 5, ms: [1] },
    ];
    expect(rebuildLines(series)).toEqual([
      '100000 connections: 301 ms at the median, 400 ms at most of 3 runs (target 300: MISSED)',
      '5 connections: 1 ms at the median, 1 ms at most of 1 runs',
    ]);
  });
});

describe('picture', () => {
  const rows = compare(
    [
      { contender: DIRECT, work: 'bulk', unit: 'bytes/s', values: [1e9, 1e9], errors: 0 },
      { contender: 'a < b', work: 'bulk', unit: 'bytes/s', values: [5e8, 2e9], errors: 0 },
    ],
    DIRECT,
  );

  test('has a bar for each contender, as long as its ratio, and no panel without figures', () => {
    const svg = picture(rows);
    const widths = [...svg.matchAll(/<rect class="(?:own|base|other)"[^>]* width="([\d.]+)"/g)].map(
      firstGroup,
    );
    expect(widths[1] / widths[0]).toBeCloseTo(1.25);
    expect(svg).toContain('a &lt; b');
    expect(svg).not.toContain('keep-alive');
    expect(svg.match(/<(\w+)/g)).not.toContain('<b');
  });
});

function firstGroup(match: RegExpExecArray): number {
  return Number(match[1]);
}
