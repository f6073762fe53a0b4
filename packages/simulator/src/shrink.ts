import type { RunOptions } from './run.js';
import { run } from './run.js';
import type { Fault, Scenario } from './scenario/scenario.js';
import { CLEAR_SKY } from './scenario/scenario.js';

/** More attempts than this are not made. */
const MAX_RUNS = 300;

/**
 * The smallest scenario found, by leaving things out, in which the same invariant still falls. What is left is the
 * story worth reading. `undefined`: the scenario does not fail.
 */
export function shrink(scenario: Scenario, options: RunOptions = {}): Scenario | undefined {
  const fallen = run(scenario, options).violations[0];
  if (!fallen) return undefined;
  let runs = 0;
  const stillFails = (candidate: Scenario): boolean =>
    runs++ < MAX_RUNS && run(candidate, options).violations[0]?.invariant === fallen.invariant;
  let smallest = scenario;
  for (const simpler of simplifications()) {
    const candidate = simpler(smallest);
    if (stillFails(candidate)) smallest = candidate;
  }
  return leaveOutFaults(smallest, stillFails);
}

/** Halves first, then ever smaller pieces, until no single fault can be left out. */
function leaveOutFaults(scenario: Scenario, stillFails: (candidate: Scenario) => boolean): Scenario {
  let smallest = scenario;
  for (
    let size = Math.ceil(scenario.faults.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < smallest.faults.length;) {
      const faults = without(smallest.faults, from, size);
      const candidate = { ...smallest, faults };
      if (stillFails(candidate)) smallest = candidate;
      else from += size;
    }
  }
  return smallest;
}

function without(faults: readonly Fault[], from: number, count: number): Fault[] {
  return [...faults.slice(0, from), ...faults.slice(from + count)];
}

/** Whole aspects that may have nothing to do with it. */
function simplifications(): ((scenario: Scenario) => Scenario)[] {
  return [
    (s) => ({ ...s, faults: [] }),
    (s) => ({ ...s, clients: 0 }),
    (s) => ({ ...s, base: CLEAR_SKY }),
    (s) => ({ ...s, sealed: false }),
    ({ lastingSides: _sides, ...s }) => s,
    (s) => ({ ...s, calm: { ...s.calm, loss: 0, pausedNodes: [] } }),
    (s) => ({ ...s, nodes: s.nodes.map((n) => ({ ...n, drift: 0, wallSkewMs: 0 })) }),
    (s) => ({ ...s, nodes: s.nodes.map((n) => ({ ...n, canDispatch: true, canServe: true })) }),
  ];
}
