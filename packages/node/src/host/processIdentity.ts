/**
 * Which process wrote something down, so that it can be recognised later. A pid alone is not enough: pids are used
 * again, hosts are rebooted, and a container is given the files of its predecessor.
 */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process: field 22 of /proc/PID/stat. */
  readonly startTicks: string;
  readonly bootId: string;
  /** The network namespace, like `net:[4026531840]`. */
  readonly networkNamespace: string;
}

/** Splits /proc/PID/stat behind the command name, which may itself hold blanks and parentheses (proc(5)). */
export function parseProcessStat(stat: string): { state: string; startTicks: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (!stat.includes(')') || fields.length < 20) return undefined;
  return { state: fields[0], startTicks: fields[19] };
}

function processStat(pid: number): { state: string; startTicks: string } | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    startTicks: processStat(process.pid)?.startTicks ?? '',
    bootId: bootId(),
    networkNamespace: readlinkSync('/proc/self/ns/net'),
  };
}

/** Whether that very process still runs. A zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const stat = processStat(identity.pid);
  return stat !== undefined && stat.startTicks === identity.startTicks && !'ZX'.includes(stat.state);
}

/** Whether what that process changed in its network can still be there, and is what this process sees. */
export function sharesNetwork(identity: ProcessIdentity, own: ProcessIdentity): boolean {
  return identity.bootId === own.bootId && identity.networkNamespace === own.networkNamespace;
}
