import { describe, expect, it } from 'vitest';
import type { Effect, Input } from '@ringmaster/ring';
import type { Station } from '../src/cluster/station.js';
import type { Scenario } from '../src/index.js';
import { CLEAR_SKY } from '../src/scenario/scenario.js';
import { EXPECTED_COVERAGE, generate, run, SABOTAGES, shrink, Summary, Trace } from '../src/index.js';

const NODES = { from: 1, to: 8 };

function story(scenario: Scenario): string[] {
  const lines: string[] = [];
  run(scenario, { observers: [new Trace((line) => lines.push(line), true)] });
  return lines;
}

describe('a seed', () => {
  it('gives the same scenario and the same story every time', () => {
    for (const seed of [3, 17, 4242]) {
      expect(generate(seed, NODES)).toEqual(generate(seed, NODES));
      const told = story(generate(seed, NODES));
      expect(told.length).toBeGreaterThan(20);
      expect(story(generate(seed, NODES))).toEqual(told);
    }
  });

  it('gives another scenario than its neighbour', () => {
    expect(generate(1, NODES)).not.toEqual(generate(2, NODES));
  });

  it('keeps to the node counts asked for', () => {
    const counts = Array.from({ length: 300 }, (_, seed) => generate(seed, { from: 3, to: 12 }).nodes.length);
    expect(Math.min(...counts)).toBe(3);
    expect(Math.max(...counts)).toBe(12);
  });
});

describe('the cluster', () => {
  it('keeps every invariant over 600 seeds', { timeout: 120_000 }, () => {
    const summary = new Summary();
    for (let seed = 1; seed <= 600; seed++) summary.add(run(generate(seed, NODES)));
    const document = summary.document();
    expect(document.violations).toEqual([]);
    expect(document.seeds).toBe(600);
    for (const { maxMs, boundMs } of Object.values(document.convergence)) expect(maxMs).toBeLessThan(boundMs);
    const never = EXPECTED_COVERAGE.filter((name) => document.coverage[name] === 0);
    // What is rare may be missing in so few seeds; `npm run simulate -- --seeds 2000` shows all of it.
    expect(never.length).toBeLessThan(5);
  });

  it('keeps every invariant with 40 nodes', { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= 3; seed++)
      expect(run(generate(seed, { from: 40, to: 40 })).violations).toEqual([]);
  });
});

describe('seeds that once broke an invariant', () => {
  it.each([
    [22011758, 'stepped down while it held packets: they were let go as a dispatcher, and dropped'],
    [22018511, 'a request was on its way for longer than everybody was asked for'],
    [22045477, 'what two dispatchers had sent arrived long after the conflict'],
    [24026469, 'who was lost had dispatched as well, unheard'],
  ])('%d: %s', (seed) => {
    expect(run(generate(seed, { from: 1, to: 64 })).violations).toEqual([]);
  });
});

describe('a large cluster', () => {
  const LARGE = { from: 80, to: 80 };

  it('is a ring from the start in most seeds, and in some not', () => {
    const formed = Array.from({ length: 200 }, (_, seed) => generate(seed, LARGE).formed === true);
    const cold = formed.filter((is) => !is).length;
    expect(cold).toBeGreaterThan(2);
    expect(cold).toBeLessThan(25);
    expect(generate(1, { from: 64, to: 64 }).formed).toBeUndefined();
  });

  it.each([true, false])('that is a ring from the start stays one; sealed: %s', (sealed) => {
    const drawn = generate(2, LARGE);
    const nodes = drawn.nodes.map((node) => ({ ...node, startsAtMs: 0, canDispatch: true }));
    const quiet = { ...drawn, nodes, sealed, formed: true, faults: [], base: CLEAR_SKY, config: {} };
    const changes: string[] = [];
    const stepped = (station: Station, _input: Input, effects: readonly Effect[]): void => {
      for (const { kind } of effects)
        if (kind === 'phaseChanged' || kind === 'roleChanged') changes.push(`${station.name} ${kind}`);
    };
    const result = run(quiet, { observers: [{ stepped }] });
    expect(result.violations).toEqual([]);
    expect(changes).toEqual([]);
    expect(result.convergedAfterMs).toBeLessThan(10);
  });

  it('keeps every invariant over five seeds', { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= 5; seed++) expect(run(generate(seed, LARGE)).violations).toEqual([]);
  });
});

describe('sabotage', () => {
  it('is of at least twelve kinds', () => {
    expect(Object.keys(SABOTAGES).length).toBeGreaterThanOrEqual(12);
  });

  for (const [name, sabotage] of Object.entries(SABOTAGES)) {
    it(`${name} is caught within 2,000 seeds`, { timeout: 120_000 }, () => {
      let caught: number | undefined;
      for (let seed = 1; seed <= 2000 && caught === undefined; seed++) {
        if (run(generate(seed, { from: 2, to: 6 }), { sabotage }).violations.length > 0) caught = seed;
      }
      expect(caught).toBeDefined();
    });
  }
});

describe('shrinking', () => {
  it('leaves out what a failure does not need, and keeps the failure', () => {
    const options = { sabotage: SABOTAGES['never-abdicate'] as NonNullable<(typeof SABOTAGES)[string]> };
    let seed = 1;
    while (run(generate(seed, NODES), options).violations.length === 0) seed++;
    const whole = generate(seed, NODES);
    const smallest = shrink(whole, options);
    expect(smallest).toBeDefined();
    expect(smallest?.faults.length).toBeLessThanOrEqual(whole.faults.length);
    expect(run(smallest as Scenario, options).violations[0]?.invariant).toBe(
      run(whole, options).violations[0]?.invariant,
    );
  });

  it('has nothing to do with a seed that does not fail', () => {
    expect(shrink(generate(1, NODES))).toBeUndefined();
  });
});
