/** What the file may say, because the words are part of the interface, but this version does not do yet. */
import type { ConfigPath, ConfigProblem } from './problem.js';
import type { NodeConfig } from './types.js';

/** Empty when this version can run the configuration. Asked at `up` and at `check`, not when parsing. */
export function unsupportedProblems(config: NodeConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (path: ConfigPath, what: string, instead: string): void => {
    problems.push({ code: 'unsupported', path, message: `${what} is not in this version; ${instead}` });
  };
  config.clusters.forEach((cluster, index) => {
    const path = ['clusters', index];
    if (cluster.mode === 'l7') refuse([...path, 'mode'], 'mode l7', 'use l4/2 or l4/3');
  });
  return problems;
}
