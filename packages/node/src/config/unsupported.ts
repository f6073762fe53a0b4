/** What the file may say, because the words are part of the interface, but this version does not do yet. */
import { isIPv6 } from 'node:net';
import type { ConfigPath, ConfigProblem } from './problem.js';
import type { NodeConfig } from './types.js';

/** Empty when this version can run the configuration. Asked at `up` and at `check`, not when parsing. */
export function unsupportedProblems(config: NodeConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (path: ConfigPath, what: string, instead: string): void => {
    problems.push({ code: 'unsupported', path, message: `${what} is not in this version; ${instead}` });
  };
  if (config.outside !== undefined) {
    refuse(['outside'], 'a second network interface', 'remove outside and use one interface');
  }
  config.clusters.forEach((cluster, index) => {
    const path = ['clusters', index];
    if (cluster.mode !== 'l4/2') refuse([...path, 'mode'], `mode ${cluster.mode}`, 'use l4/2');
    if (isIPv6(cluster.address))
      refuse([...path, 'address'], 'an IPv6 cluster address', 'use an IPv4 address');
  });
  return problems;
}
