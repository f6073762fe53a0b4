import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SystemError } from './libc/index.js';

const ROOT = '/proc/sys';

/**
 * Reads a kernel setting of this network namespace.
 * @param path with slashes, because interface names may have dots: `net/ipv4/conf/eth0.7/arp_ignore`
 * @returns the value without the final newline
 * @throws SystemError `ENOENT` (no such setting, or no such interface), `EACCES`
 */
export function readSysctl(path: string): string {
  return attempt('read', path, () => readFileSync(fileOf(path), 'utf8').trimEnd());
}

/**
 * Writes a kernel setting.
 * @throws SystemError `ENOENT`, `EACCES` or `EROFS` (not root, or a container with a read-only /proc/sys), `EINVAL`
 */
export function writeSysctl(path: string, value: string): void {
  attempt('write', path, () => writeFileSync(fileOf(path), `${value}\n`));
}

function fileOf(path: string): string {
  assert(/^[\w./:@-]+$/.test(path) && !path.split('/').includes('..'), `not a sysctl: ${path}`);
  return join(ROOT, path);
}

function attempt<T>(syscall: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno;
    if (errno === undefined) throw error;
    const verb = syscall === 'read' ? 'reading' : 'writing';
    throw new SystemError(-errno, { syscall, doing: `${verb} the kernel setting ${path}` });
  }
}
