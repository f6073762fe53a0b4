/** What the file may say, because the words are part of the interface, but this version does not do yet. */
import type { ConfigProblem } from './problem.js';
import type { NodeConfig } from './types.js';

/** Empty when this version can run the configuration. Asked at `up` and at `check`, not when parsing. */
export function unsupportedProblems(config: NodeConfig): ConfigProblem[] {
  return config.clusters.flatMap(({ mode }, index) =>
    mode === 'l7'
      ? [
          {
            code: 'unsupported' as const,
            path: ['clusters', index, 'mode'],
            message: 'mode l7 is not in this version; use l4/2 or l4/3',
          },
        ]
      : [],
  );
}
