import { serviceName } from '@ringmaster/dispatch';
import type { NodeConfig } from '../config/index.js';
import type { ServerInfo } from '../dataplane/index.js';
import { ipAddress } from '../host/clusterAddress.js';

/**
 * The cluster addresses that somebody serves: at least one of their services has a server that takes connections. When that is
 * true of none, or nobody can tell, it is all of them: no answer is worse than one that may be wrong.
 */
export function livingAddresses(
  { clusters }: NodeConfig,
  servers: readonly ServerInfo[],
  isInRing: boolean,
): string[] {
  const all = clusters.map(({ address }) => address);
  if (!isInRing) return all;
  const taking = servers.filter(({ active, weight }) => active && weight > 0);
  const living = clusters.filter(({ address, ports }) =>
    ports.some(({ port, protocol, servers: outside }) => {
      const name = serviceName(ipAddress(address), port, protocol);
      return taking.some(({ fixed = false, lacks = [] }) =>
        outside === undefined ? !fixed && !lacks.includes(name) : fixed,
      );
    }),
  );
  return living.length === 0 ? all : living.map(({ address }) => address);
}
