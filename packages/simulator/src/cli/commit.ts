import { spawnSync } from 'node:child_process';

/** The commit that this program was built from, as far as git knows. */
export function commit(): string {
  const { stdout, status } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}
