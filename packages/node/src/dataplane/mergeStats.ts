import type { DataPlaneStats, EnterReport, PlaneFigures } from './types.js';

/** What several workers have counted, as if it had been one: every number is a sum. */
export function mergeStats(parts: readonly PlaneFigures[]): DataPlaneStats {
  const workers = parts.map(({ frames, connections }) => ({ frames, connections: connections.total }));
  return { ...parts.reduce((sum, part) => addUp(sum, part)), workers };
}

/** Sums of reports about parts of a list. */
export function mergeReports(parts: readonly EnterReport[]): EnterReport {
  return parts.reduce((sum, part) => addUp(sum, part), { entered: 0, known: 0, moved: 0, refused: 0 });
}

/** Adds two trees of numbers of the same form. */
function addUp<T>(one: T, other: T): T {
  if (typeof one === 'number') return (one + (other as number)) as T;
  const sums = Object.entries(one as Record<string, unknown>).map(([name, value]) => [
    name,
    addUp(value, (other as Record<string, unknown>)[name]),
  ]);
  return Object.fromEntries(sums) as T;
}
