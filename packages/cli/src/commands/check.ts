/** `ringmaster check`: is this file a configuration that `up` would take? */
import { readRunnableConfig } from '../configuration.js';

export function check(file: string): void {
  const { config, warnings } = readRunnableConfig(file);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const clusters = config.clusters.map(({ address, ports }) => {
    return `${address} (${ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', ')})`;
  });
  process.stdout.write(`${file} is right: ${config.interface} serves ${clusters.join(', ')}\n`);
}
