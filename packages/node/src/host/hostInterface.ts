/** The interfaces of a node: the one through which it is in the ring, and the one towards the clients, if that is another. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from '../config/address.js';
import type { HostAddress, HostLink, HostNetwork } from './network.js';
import { hostProblem, type HostResult } from './problem.js';

/** IPv4 asks for at least this much (RFC 791: 576 must be accepted), and ring packets are made to fit it. */
export const SMALLEST_MTU_BYTES = 576;

/** An Ethernet interface that is up. */
export interface UsableLink {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
}

export interface HostInterface extends UsableLink {
  /** The node's own address, by which others know it: dotted IPv4. */
  readonly address: string;
  readonly prefixLength: number;
  /** Where ring broadcasts go. */
  readonly broadcast: string;
  /** The node's own IPv6 address on it, if it has a global one. */
  readonly address6?: string;
}

/** The directed broadcast address of a network (RFC 919). */
export function broadcastOf(address: string, prefixLength: number): string {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const hosts = 2 ** (32 - prefixLength);
  const last = Math.floor(value / hosts) * hosts + hosts - 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.');
}

function linkProblem(link: HostLink): string | undefined {
  if (!link.up) return `interface ${link.name} is down; run: ip link set ${link.name} up`;
  if (link.mac.length !== 6 || link.mac.every((byte) => byte === 0)) {
    return `interface ${link.name} has no Ethernet address; choose one that has`;
  }
  if (link.mtuBytes >= SMALLEST_MTU_BYTES) return undefined;
  return `interface ${link.name} has an MTU of ${link.mtuBytes}; run: ip link set ${link.name} mtu 1500`;
}

function chooseAddress(own: readonly HostAddress[], name: string, wanted?: string): HostResult<HostAddress> {
  const list = own.map(({ address }) => address).join(', ');
  if (wanted !== undefined) {
    const chosen = own.find(({ address }) => address === wanted);
    if (chosen !== undefined) return { ok: true, value: chosen };
    const has = list === '' ? 'it has none' : `it has ${list}`;
    return hostProblem('no-address', `interface ${name} does not have the address ${wanted}; ${has}`);
  }
  if (own.length > 0) return { ok: true, value: own[0] };
  const cure = `give it one, like: ip address add 10.0.0.11/24 dev ${name}`;
  return hostProblem('no-address', `interface ${name} has no IPv4 address; ${cure}`);
}

/** Finds an interface that can carry the cluster's frames. */
export function findLink(network: HostNetwork, name: string): HostResult<UsableLink> {
  const links = network.links();
  const link = links.find((each) => each.name === name);
  if (link === undefined) {
    const names = links.flatMap((each) => (each.name === 'lo' ? [] : [each.name]));
    const list = names.length === 0 ? 'nothing but lo' : names.join(', ');
    return hostProblem('no-such-interface', `there is no interface ${name}; this host has ${list}`);
  }
  const problem = linkProblem(link);
  if (problem !== undefined) return hostProblem('interface-unusable', problem);
  const { index, mac, mtuBytes } = link;
  return { ok: true, value: { name, index, mac, mtuBytes } };
}

/** Which addresses of the interface are the node's own; absent: the first of each IP version that is no cluster address. */
export interface WantedAddresses {
  readonly address?: string;
  readonly address6?: string;
}

/**
 * Finds the interface `name`, the ring address on it, and its IPv6 address.
 * @param wanted the addresses that the configuration asks for
 */
export function findInterface(
  network: HostNetwork,
  name: string,
  wanted: WantedAddresses,
  clusterAddresses: readonly string[],
): HostResult<HostInterface> {
  const link = findLink(network, name);
  if (!link.ok) return link;
  const own = network
    .addresses()
    .filter((entry) => entry.interface === name && !clusterAddresses.includes(entry.address));
  const chosen = chooseAddress(
    own.filter((entry) => isIPv4(entry.address)),
    name,
    wanted.address,
  );
  if (!chosen.ok) return chosen;
  const chosen6 = chooseAddress6(
    own.filter((entry) => isIPv6(entry.address)),
    name,
    wanted.address6,
  );
  if (!chosen6.ok) return chosen6;
  const { address, prefixLength, broadcast = broadcastOf(address, prefixLength) } = chosen.value;
  const { value: address6 } = chosen6;
  const found = { ...link.value, address, prefixLength, broadcast };
  return { ok: true, value: address6 === undefined ? found : { ...found, address6 } };
}

/** An address that is to stay and that others can call; one that is still looked up for duplicates will be right in a moment. */
const isGood6 = ({ linkLocal = false, state = 'usable' }: HostAddress): boolean =>
  !linkLocal && (state === 'usable' || state === 'tentative');

function chooseAddress6(
  own: readonly HostAddress[],
  name: string,
  wanted?: string,
): HostResult<string | undefined> {
  if (wanted === undefined) return { ok: true, value: own.find(isGood6)?.address };
  const chosen = own.find(({ address }) => address === canonicalAddress(wanted));
  if (chosen === undefined) {
    const list = own.map(({ address }) => address).join(', ');
    const has = list === '' ? 'it has none' : `it has ${list}`;
    return hostProblem('no-address', `interface ${name} does not have the address ${wanted}; ${has}`);
  }
  if (chosen.state === 'duplicate') {
    const cure = `take it away from that host, then run: ip -6 address del ${chosen.address}/${chosen.prefixLength} dev ${name}, and add it again`;
    return hostProblem(
      'address-conflict',
      `another host has the address ${chosen.address} of ${name}; ${cure}`,
    );
  }
  return { ok: true, value: chosen.address };
}
