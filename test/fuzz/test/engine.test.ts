import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../src/catalogue.js';
import { Coverage } from '../src/coverage.js';
import { fuzz, minimise } from '../src/engine.js';
import { Mutator } from '../src/mutator.js';
import { distribute, parseOptions } from '../src/options.js';
import { Random } from '../src/random.js';
import { shrink } from '../src/shrink.js';
import { BrokenPromise, Choices, must, type Target } from '../src/target.js';

/** A module as istanbul would have counted it: three statements, one function, a branch of two ways. */
function counted() {
  return { s: { 0: 0, 1: 0, 2: 0 }, f: { 0: 0 }, b: { 0: [0, 0] } } as {
    s: Record<string, number>;
    f: Record<string, number>;
    b: Record<string, number[]>;
  };
}

describe('coverage', () => {
  it('is news once, and again when something runs much more often', () => {
    const module = counted();
    const coverage = new Coverage({ module });
    expect(coverage.size).toBe(6);
    const runTimes = (times: number): boolean => {
      coverage.reset();
      for (let i = 0; i < times; i++) module.s[1]++;
      return coverage.isNews();
    };
    expect([1, 1, 2, 4, 5, 7, 8].map(runTimes)).toEqual([true, false, true, true, false, false, true]);
    expect(coverage.reached).toBe(1);
  });

  it('tells functions and ways of a branch apart, in every module', () => {
    const modules = { first: counted(), second: counted() };
    const coverage = new Coverage(modules);
    const places = [
      () => modules.first.b[0][0]++,
      () => modules.first.b[0][1]++,
      () => modules.first.f[0]++,
      () => modules.second.f[0]++,
      () => modules.second.s[2]++,
    ];
    for (const reach of [...places, ...places].entries()) {
      coverage.reset();
      reach[1]();
      expect(coverage.news().length).toBe(reach[0] < places.length ? 1 : 0);
      expect(coverage.isNews()).toBe(reach[0] < places.length);
    }
  });
});

describe('mutation', () => {
  const word = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);

  it('stays within the largest size, changes nothing that it was given, and repeats itself from a seed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.integer(),
        (a, b, seed) => {
          const before = [[...a], [...b]];
          const [one, two] = [1, 2].map(() => new Mutator(new Random(seed), 32, [word]));
          for (let i = 0; i < 20; i++) {
            const mutated = one.mutate(a, b);
            expect(mutated.length).toBeLessThanOrEqual(32);
            expect([...two.mutate(a, b)]).toEqual([...mutated]);
          }
          expect([[...a], [...b]]).toEqual(before);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('makes longer and shorter inputs, uses words and pieces of the other', () => {
    const mutator = new Mutator(new Random(1), 64, [word]);
    const base = new Uint8Array(16);
    const made = Array.from({ length: 2000 }, () =>
      Buffer.from(mutator.mutate(base, Uint8Array.of(1, 2, 3, 4, 5))),
    );
    expect(made.some((input) => input.length > 16)).toBe(true);
    expect(made.some((input) => input.length < 16)).toBe(true);
    expect(made.some((input) => input.includes(Buffer.from(word)))).toBe(true);
    expect(made.some((input) => input.includes(Buffer.of(2, 3, 4)))).toBe(true);
  });
});

describe('shrinking', () => {
  it('leaves what matters', async () => {
    const input = Uint8Array.from({ length: 100 }, (_, i) => i);
    const keeps = async (candidate: Uint8Array): Promise<boolean> =>
      candidate.includes(40) && candidate.includes(77);
    expect([...(await shrink(input, keeps, 2000))]).toEqual([40, 77]);
  });

  it('keeps to its budget', async () => {
    let tries = 0;
    const keeps = async (): Promise<boolean> => ++tries < 0;
    await shrink(new Uint8Array(1000), keeps, 17);
    expect(tries).toBe(17);
  });
});

describe('the loop', () => {
  const coverage = new Coverage({});
  const target = (run: Target['run']): Target => ({ maxBytes: 8, seeds: () => [Uint8Array.of(1)], run });
  const options = { coverage, seed: 1, corpus: [], guided: true, announce: () => {} };

  it('runs as many inputs as it is told, the first ones first', async () => {
    const seen: string[] = [];
    const corpus = [Uint8Array.of(2)];
    const run = (input: Uint8Array): void => void seen.push(input.join());
    const { inputs, crash } = await fuzz({ ...options, corpus, inputs: 50, target: target(run) });
    expect({ inputs, crash, firsts: seen.slice(0, 3), count: seen.length }).toEqual({
      ...{ inputs: 50, crash: undefined, firsts: ['', '1', '2'], count: 50 },
    });
  });

  it.each([
    ['thrown', (input: Uint8Array) => must(input.length < 3, 'three bytes')],
    ['rejected', async (input: Uint8Array) => must(input.length < 3, 'three bytes')],
  ])('stops at the first error, %s, with the shortest input', async (_, run) => {
    const { crash } = await fuzz({ ...options, inputs: 10_000, target: target(run) });
    expect(crash?.error).toContain('three bytes');
    expect([...(crash?.input ?? [])]).toEqual([0, 0, 0]);
  });

  it('a minimised corpus reaches what the whole one reached', async () => {
    const module = counted();
    const cover = new Coverage({ module });
    const counting = target((input) => void (input[0] < 3 && module.s[input[0]]++));
    const corpus = [[9, 9, 9], [0, 5, 5], [1], [0], [2, 2], [7]].map((bytes) => Uint8Array.from(bytes));
    const small = await minimise(counting, cover, corpus);
    expect(small.map((input) => [...input])).toEqual([[1], [0], [2]]);
  });
});

describe('choices', () => {
  it('are zero at the end of the input, and lengths are cut', () => {
    const choices = new Choices(Uint8Array.of(7, 3, 1, 2));
    expect([choices.below(5), [...choices.block()], choices.remaining]).toEqual([2, [1, 2], 0]);
    expect([choices.byte(), choices.uint(4), choices.rest().length]).toEqual([0, 0, 0]);
    expect(() => must(false, 'why')).toThrow(BrokenPromise);
  });
});

describe('the command line', () => {
  it('gives every target that has a share its part of the inputs', () => {
    const parsed = parseOptions(['--inputs', '10000000', '--seed', '5']);
    expect(parsed).toMatchObject({ ok: true, options: { inputs: 10_000_000, seed: 5, blind: false } });
    const targets = parsed.ok ? parsed.options.targets : [];
    expect(targets).toEqual(Object.keys(CATALOGUE).filter((name) => !name.startsWith('planted')));
    const parts = distribute(10_000_000, targets);
    expect(Math.min(...parts)).toBeGreaterThan(10_000);
    expect(parts.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(10_000_000);
  });

  it.each([
    [['--inputs', 'many'], 'whole numbers'],
    [['--target', 'toString'], 'no target toString'],
    [['--replay', '00'], 'needs one --target'],
    [['--seeds', '1'], 'seeds'],
  ])('refuses %j', (args, message) => {
    expect(parseOptions(args)).toMatchObject({
      ok: false,
      message: expect.stringContaining(message) as string,
    });
  });
});
