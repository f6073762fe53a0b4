import { isIPv4 } from 'node:net';
import { canonicalAddress } from '../config/address.js';
import type { NodeConfig } from '../config/index.js';

/** A cluster as its servers' hosts have to know it. */
export interface HostCluster {
  /** In its usual spelling, as all addresses here. */
  readonly address: string;
  readonly mode: 'l4/2' | 'l4/3';
  /** Whether its packets come to all hosts in frames to a group. Default false. */
  readonly isShared?: boolean;
  /** L4/3: through which this host's answers go. */
  readonly gateway: string | undefined;
  /** L4/3: the ports of this host from which they come; none when it does not serve. */
  readonly targets: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number }[];
}

/** What is not served by the members of the ring is not this host's. */
export function hostClusters({ clusters, capabilities }: NodeConfig): HostCluster[] {
  const serves = capabilities.includes('serve');
  return clusters.map(({ address, mode, dispatch, gateway, ports }) => ({
    address: canonicalAddress(address) ?? address,
    mode: mode === 'l4/3' ? 'l4/3' : 'l4/2',
    isShared: dispatch === 'broadcast',
    gateway: gateway === undefined ? undefined : (canonicalAddress(gateway) ?? gateway),
    targets: ports
      .filter(({ servers }) => mode === 'l4/3' && serves && servers === undefined)
      .flatMap(({ port, targetPort = port, protocol }) =>
        (protocol === 'all' ? (['tcp', 'udp'] as const) : [protocol]).map((each) => ({
          protocol: each,
          port: targetPort,
        })),
      ),
  }));
}

export const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6');
