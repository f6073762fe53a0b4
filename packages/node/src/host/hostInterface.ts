/** The interface through which a node is in the ring. */
import type { HostAddress, HostLink, HostNetwork } from './network.js';
import { hostProblem, type HostResult } from './problem.js';

/** IPv4 asks for at least this much (RFC 791: 576 must be accepted), and ring packets are made to fit it. */
export const SMALLEST_MTU_BYTES = 576;

export interface HostInterface {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  /** The node's own address, by which others know it: dotted IPv4. */
  readonly address: string;
  readonly prefixLength: number;
  /** Where ring broadcasts go. */
  readonly broadcast: string;
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

/**
 * Finds the interface `name` and the ring address on it.
 * @param wanted the address that the configuration asks for; absent: the first one that is no cluster address
 */
export function findInterface(
  network: HostNetwork,
  name: string,
  wanted: string | undefined,
  clusterAddresses: readonly string[],
): HostResult<HostInterface> {
  const links = network.links();
  const link = links.find((each) => each.name === name);
  if (link === undefined) {
    const names = links.flatMap((each) => (each.name === 'lo' ? [] : [each.name]));
    const list = names.length === 0 ? 'nothing but lo' : names.join(', ');
    return hostProblem('no-such-interface', `there is no interface ${name}; this host has ${list}`);
  }
  const problem = linkProblem(link);
  if (problem !== undefined) return hostProblem('interface-unusable', problem);
  const own = network
    .addresses()
    .filter((entry) => entry.interface === name && !clusterAddresses.includes(entry.address));
  const chosen = chooseAddress(own, name, wanted);
  if (!chosen.ok) return chosen;
  const { address, prefixLength, broadcast = broadcastOf(address, prefixLength) } = chosen.value;
  const { index, mac, mtuBytes } = link;
  return { ok: true, value: { name, index, mac, mtuBytes, address, prefixLength, broadcast } };
}
