/** What only mode l4/3 has: other ports on the servers, and servers outside the ring. */
import { canonicalAddress, versionOf } from './address.js';
import { formatPath, type ConfigPath } from './problem.js';
import { list, mapping, protocolsOf, type Mapping, type Report } from './raw.js';

export function natRules(cluster: Mapping, port: Mapping, path: ConfigPath, report: Report): void {
  const isNat = cluster.mode === 'l4/3';
  if (port.targetPort !== undefined && !isNat) {
    report(
      'conflict',
      [...path, 'targetPort'],
      'only mode l4/3 can change the port; remove it or set mode: l4/3',
    );
  }
  if (port.servers === undefined) return;
  if (!isNat) {
    const why = 'only mode l4/3 has servers outside the ring; remove them or set mode: l4/3';
    report('conflict', [...path, 'servers'], why);
  }
  if (mapping(port.health).command !== undefined) {
    const why = 'a command checks this node, not servers outside the ring; use http or tcp';
    report('conflict', [...path, 'health', 'command'], why);
  }
  serverRules(cluster, list(port.servers), [...path, 'servers'], report);
}

function serverRules(cluster: Mapping, servers: readonly unknown[], path: ConfigPath, report: Report): void {
  const taken = new Map<string, string>();
  const [clusterAddress, gateway] = [cluster.address, cluster.gateway].map(canonicalAddress);
  if (clusterAddress !== undefined) taken.set(clusterAddress, "the cluster's own address");
  if (gateway !== undefined) taken.set(gateway, 'the ghost gateway');
  servers.forEach((entry, index) => {
    const written = typeof entry === 'string' ? entry : mapping(entry).address;
    const place = typeof entry === 'string' ? [...path, index] : [...path, index, 'address'];
    const address = canonicalAddress(written);
    if (address === undefined) return;
    const earlier = taken.get(address);
    if (earlier !== undefined) report('conflict', place, `${address} is ${earlier}; name another server`);
    taken.set(address, `already at ${formatPath([...path, index])}`);
    if (clusterAddress === undefined || versionOf(address) === versionOf(clusterAddress)) return;
    report('conflict', place, `expected an ${versionOf(clusterAddress)} address, like the cluster's own`);
  });
}

/** A server's weight is one, whatever it serves: connections of all its services count together. */
export function weightRules(root: Mapping, report: Report): void {
  const seen = new Map<string, { readonly weight: unknown; readonly path: ConfigPath }>();
  list(root.clusters).forEach((cluster, index) => {
    list(mapping(cluster).ports).forEach((port, position) => {
      list(mapping(port).servers).forEach((entry, place) => {
        const { address: written, weight = 1 } =
          typeof entry === 'string' ? { address: entry } : mapping(entry);
        const address = canonicalAddress(written);
        if (address === undefined) return;
        const path = ['clusters', index, 'ports', position, 'servers', place];
        const earlier = seen.get(address);
        if (earlier === undefined) seen.set(address, { weight, path });
        else if (earlier.weight !== weight) {
          const where = `${formatPath(earlier.path)}, where it is ${String(earlier.weight)}`;
          report('conflict', path, `expected the same weight for ${address} as at ${where}`);
        }
      });
    });
  });
}

/**
 * An answer from a server, and a connection that a server reports, show the server's own address and port, not the
 * cluster's: these must lead back to one service.
 */
export function targetRules(root: Mapping, report: Report): void {
  const seen = new Map<string, ConfigPath>();
  list(root.clusters).forEach((entry, index) => {
    const cluster = mapping(entry);
    const address = canonicalAddress(cluster.address);
    if (cluster.mode !== 'l4/3' || address === undefined) return;
    list(cluster.ports).forEach((portEntry, position) => {
      const port = mapping(portEntry);
      const target = port.targetPort ?? port.port;
      if (typeof target !== 'number') return;
      const place = ['clusters', index, 'ports', position];
      for (const protocol of protocolsOf(port)) {
        const key = `${versionOf(address)} ${target}/${protocol}`;
        const earlier = seen.get(key);
        seen.set(key, earlier ?? place);
        if (earlier === undefined) continue;
        const path = port.targetPort === undefined ? [...place, 'port'] : [...place, 'targetPort'];
        const which = `port ${target}/${protocol} of the servers is already used over ${versionOf(address)} at ${formatPath(earlier)}`;
        report('conflict', path, `${which}; give one of them another targetPort`);
        break;
      }
    });
  });
}
