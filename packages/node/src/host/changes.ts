/** Making the changes of a node to its host, and taking them back. */
import type { PolicyRule } from 'libnetraw';
import { describeRule } from 'libnetraw';
import { IpProtocol, parseMac } from 'libnetraw/wire';
import { isIPv4 } from 'node:net';
import { writeJournal, removeJournal, type HostChange, type JournalContent } from './journal.js';
import type { HostAddress, HostNetwork, HostView } from './network.js';
import { errorCode } from './problem.js';

type Change<Kind extends HostChange['kind']> = Extract<HostChange, { readonly kind: Kind }>;

/** The setting, the interface or the table went away by itself: nothing is left to undo. */
const GONE = new Set(['ENOENT', 'ENODEV', 'EADDRNOTAVAIL', 'ESRCH']);

export const clusterAddressOnLoopback = (address: string): HostAddress => ({
  interface: 'lo',
  address,
  prefixLength: isIPv4(address) ? 32 : 128,
});

/**
 * Packets that this host itself sends from the service's port. Where their address is named nobody else's can be meant. The
 * kernel looks at ports in the reverse path of what comes in only if a rule asks for them that is not for `lo` alone
 * (`fib_rule_requires_fldissect`), and so finds the way back to clients to whom the host has no other.
 */
export function ruleOf({ family, table, protocol, sourcePort, from }: Change<'rule'>): PolicyRule {
  const rule = { family, priority: table, table, ipProtocol: IpProtocol[protocol], sourcePort };
  return from === undefined ? { ...rule, incoming: 'lo' } : { ...rule, from };
}

/** The same for two changes, or two rules, that are alike, in whatever order their fields were written. */
export const textOf = (value: object): string =>
  JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

const macOf = (text: string): Uint8Array => parseMac(text) ?? new Uint8Array(6);

export function applyChange(network: HostNetwork, change: HostChange): void {
  switch (change.kind) {
    case 'address':
      network.addAddress(clusterAddressOnLoopback(change.address));
      return;
    case 'sysctl':
      return network.writeSysctl(change.path, change.after);
    case 'neighbour':
      return network.setNeighbour(change.interface, change.address, macOf(change.mac));
    case 'route':
      network.addRoute(change);
      return;
    case 'rule':
      network.addRule(ruleOf(change));
  }
}

/** Takes one change back, unless somebody has changed the same thing since: then it is theirs. */
function undoChange(network: HostNetwork, change: HostChange): string | undefined {
  switch (change.kind) {
    case 'address':
      network.deleteAddress(clusterAddressOnLoopback(change.address));
      return undefined;
    case 'sysctl':
      return undoSysctl(network, change);
    case 'neighbour':
      if (hasNeighbour(network, change)) network.deleteNeighbour(change.interface, change.address);
      return undefined;
    case 'route':
      network.deleteRoute(change);
      return undefined;
    case 'rule':
      network.deleteRule(ruleOf(change));
      return undefined;
  }
}

function undoSysctl(network: HostNetwork, change: Change<'sysctl'>): string | undefined {
  const now = network.readSysctl(change.path);
  if (now === change.after) network.writeSysctl(change.path, change.before);
  else if (now !== change.before) return `${change.path} is ${now} now, which is not ours: left alone`;
  return undefined;
}

/** Whether the kernel has the MAC of the neighbour fixed as the change fixes it. */
export function hasNeighbour(network: Pick<HostView, 'neighbours'>, change: Change<'neighbour'>): boolean {
  return network
    .neighbours()
    .some(
      ({ interface: name, address, mac, state }) =>
        name === change.interface &&
        address === change.address &&
        state === 'permanent' &&
        mac !== undefined &&
        Buffer.compare(mac, macOf(change.mac)) === 0,
    );
}

/**
 * Makes anew what has gone by itself: routes and neighbours go with an interface that is switched off and on again. Settings
 * are left as they are: whoever changed one had a reason. What cannot be made yet is left for the next time. Returns what
 * was missing, in words.
 */
export function repairChanges(network: HostNetwork, changes: readonly HostChange[]): string[] {
  return changes
    .filter((change) => {
      try {
        return repairChange(network, change);
      } catch {
        return false;
      }
    })
    .map(describeChange);
}

function repairChange(network: HostNetwork, change: HostChange): boolean {
  switch (change.kind) {
    case 'sysctl':
      return false;
    case 'address':
      return network.addAddress(clusterAddressOnLoopback(change.address)) === 'added';
    case 'rule':
      return network.addRule(ruleOf(change)) === 'added';
    case 'route':
      return network.addRoute(change) === 'added';
    case 'neighbour':
      if (hasNeighbour(network, change)) return false;
      applyChange(network, change);
      return true;
  }
}

/** A change in words. */
export function describeChange(change: HostChange): string {
  switch (change.kind) {
    case 'address':
      return `${change.address} on lo`;
    case 'sysctl':
      return `${change.path}=${change.before}`;
    case 'neighbour':
      return `${change.address} at ${change.mac} on ${change.interface}`;
    case 'route':
      return `the route via ${change.gateway} in table ${change.table}`;
    case 'rule':
      return `the rule ${describeRule(ruleOf(change))}`;
  }
}

export interface RestoreReport {
  /** How many changes were taken back. */
  readonly undone: number;
  /** What was left as it is on purpose, or could not be undone; sentences for the log. Usually empty. */
  readonly warnings: readonly string[];
}

interface Undone {
  /** What could not be undone. */
  readonly remaining: readonly HostChange[];
  /** See {@link RestoreReport}. */
  readonly warnings: readonly string[];
}

/** Takes changes back, the last one first. */
export function undoChanges(network: HostNetwork, changes: readonly HostChange[]): Undone {
  const warnings: string[] = [];
  const remaining: HostChange[] = [];
  for (const change of changes.toReversed()) {
    try {
      const note = undoChange(network, change);
      if (note !== undefined) warnings.push(note);
    } catch (error) {
      if (GONE.has(errorCode(error) ?? '')) continue;
      warnings.push(`could not restore ${describeChange(change)}: ${(error as Error).message}`);
      remaining.unshift(change);
    }
  }
  return { remaining, warnings };
}

/**
 * Takes back the changes of a journal, the last one first, and removes the file. What cannot be undone stays in the
 * file, for the next start with more rights.
 */
export function undoAll(network: HostNetwork, file: string, content: JournalContent): RestoreReport {
  const { remaining, warnings } = undoChanges(network, content.changes);
  if (remaining.length === 0) removeJournal(file);
  else writeJournal(file, { ...content, changes: remaining });
  return { undone: content.changes.length - remaining.length, warnings };
}
