/**
 * What a host needs so that it can serve a cluster address beside others that own the same address, worked out from
 * what is there already. Pure: it reads, and says what to change.
 */
import type { HostChange } from './journal.js';
import type { HostNetwork } from './network.js';
import { hostProblem, type HostResult } from './problem.js';

const sysctl = (interfaceName: string, name: string): string => `net/ipv4/conf/${interfaceName}/${name}`;

/**
 * Linux uses, for each of these settings, the greater one of `all` and the interface's (ip-sysctl). `accepted` are the
 * values that do: a stricter one that somebody has set is left alone.
 */
const ARP_SETTINGS = [
  // Answer only for addresses on the interface that was asked, so that nobody answers for the one on `lo`.
  { name: 'arp_ignore', accepted: ['1', '2'], value: '1' },
  // Never give the cluster address as the sender of an ARP request: the router would believe it.
  { name: 'arp_announce', accepted: ['2'], value: '2' },
] as const;

function arpChanges(network: HostNetwork, interfaceName: string): HostChange[] {
  const changes: HostChange[] = [];
  for (const { name, accepted, value } of ARP_SETTINGS) {
    for (const scope of ['all', interfaceName]) {
      const path = sysctl(scope, name);
      const before = network.readSysctl(path);
      if (!(accepted as readonly string[]).includes(before)) {
        changes.push({ kind: 'sysctl', path, before, after: value });
      }
    }
  }
  return changes;
}

/** `rp_filter` in force on an interface: 0 off, 1 strict, 2 loose. */
export function reversePathFilter(network: HostNetwork, interfaceName: string): number {
  const values = ['all', interfaceName].map((scope) =>
    Number(network.readSysctl(sysctl(scope, 'rp_filter'))),
  );
  return Math.max(...values);
}

/**
 * The dispatcher's own share is delivered over `lo`, with the clients' addresses as senders. A strict reverse path
 * filter drops that, because clients are not behind `lo`; a loose one there (2) overrides a strict `all`.
 */
function reversePathChanges(network: HostNetwork): HostChange[] {
  if (reversePathFilter(network, 'lo') !== 1) return [];
  const path = sysctl('lo', 'rp_filter');
  return [{ kind: 'sysctl', path, before: network.readSysctl(path), after: '2' }];
}

/**
 * The changes that make this host ready for its cluster addresses, in the order in which to make them: the ARP settings
 * come before the addresses, so that the host never answers for one. An address that is on `lo` already is not ours and
 * is left out, and so it will not be removed at the end.
 */
export function wantedChanges(
  network: HostNetwork,
  interfaceName: string,
  clusterAddresses: readonly string[],
): HostResult<HostChange[]> {
  const changes = [...arpChanges(network, interfaceName), ...reversePathChanges(network)];
  const present = network.addresses();
  for (const address of clusterAddresses) {
    const owners = present.filter((entry) => entry.address === address).map((entry) => entry.interface);
    const elsewhere = owners.find((owner) => owner !== 'lo');
    if (elsewhere !== undefined) {
      const cure = `remove it there (ip address del ${address} dev ${elsewhere}), or configure another cluster address`;
      return hostProblem(
        'address-elsewhere',
        `cluster address ${address} is on ${elsewhere} of this host; ${cure}`,
      );
    }
    if (owners.length === 0) changes.push({ kind: 'address', interface: 'lo', address });
  }
  return { ok: true, value: changes };
}
