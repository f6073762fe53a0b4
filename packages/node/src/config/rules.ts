/**
 * The rules that span several keys. They read the raw tree, not the checked one, and skip whatever is malformed
 * (the schema has already said so): thus one run lists every problem of a file, not only those of the first kind.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { formatPath, type ConfigPath, type ConfigProblem, type ConfigProblemCode } from './problem.js';

type Mapping = Readonly<Record<string, unknown>>;
type Report = (code: ConfigProblemCode, path: ConfigPath, message: string) => void;

const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const number = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);

/** One spelling per address, so that `::1` and `0:0::1` are the same; undefined when it is none. */
export function canonicalAddress(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (isIPv4(value)) return value;
  return isIPv6(value) && !value.includes('%')
    ? new URL(`http://[${value}]/`).hostname.slice(1, -1)
    : undefined;
}

function ringRules(ring: Mapping, report: Report): void {
  if (ring.keyFile === undefined && ring.insecure !== true) {
    const cure =
      "the path of the cluster key (`ringmaster init` makes one), or 'insecure: true' to do without";
    report('missing', ['ring', 'keyFile'], `missing; expected ${cure}`);
  }
  if (ring.keyFile !== undefined && ring.insecure === true) {
    report(
      'conflict',
      ['ring', 'insecure'],
      'insecure: true and keyFile exclude each other; remove one of them',
    );
  }
  const heartbeatMs = number(ring.heartbeatIntervalMs, 50);
  const timeoutMs = number(ring.communicationTimeoutMs, 250);
  if (timeoutMs < 2 * heartbeatMs) {
    const why = `at least twice heartbeatIntervalMs (${heartbeatMs}), or one late heartbeat looks like a death`;
    const path = [
      'ring',
      ring.communicationTimeoutMs === undefined ? 'heartbeatIntervalMs' : 'communicationTimeoutMs',
    ];
    report('conflict', path, `expected communicationTimeoutMs (${timeoutMs}) to be ${why}`);
  }
}

function gatewayRules(cluster: Mapping, path: ConfigPath, report: Report): void {
  const place = [...path, 'gateway'];
  if (cluster.mode === 'l4/3' && cluster.gateway === undefined) {
    report(
      'missing',
      place,
      'missing; expected the ghost gateway that servers use as their default route (mode l4/3)',
    );
  }
  if (cluster.gateway === undefined) return;
  if (cluster.mode !== 'l4/3')
    report('conflict', place, 'only mode l4/3 has a gateway; remove it or set mode: l4/3');
  const address = canonicalAddress(cluster.address);
  const gateway = canonicalAddress(cluster.gateway);
  if (address === undefined || gateway === undefined) return;
  if (address === gateway)
    report('conflict', place, `expected another address than the cluster's own, ${address}`);
  else if (isIPv4(address) !== isIPv4(gateway)) {
    report(
      'conflict',
      place,
      `expected an ${isIPv4(address) ? 'IPv4' : 'IPv6'} address, like the cluster's own`,
    );
  }
}

function healthRules(health: Mapping, path: ConfigPath, report: Report): void {
  const kinds = ['http', 'tcp'].filter((kind) => health[kind] !== undefined);
  if (kinds.length === 0) report('missing', path, 'expected one of the keys http and tcp, found neither');
  if (kinds.length === 2) report('conflict', path, 'expected one of the keys http and tcp, found both');
}

function portRules(cluster: Mapping, path: ConfigPath, report: Report): void {
  const seen = new Map<string, ConfigPath>();
  list(cluster.ports).forEach((entry, index) => {
    const port = mapping(entry);
    const place = [...path, 'ports', index];
    if (port.targetPort !== undefined && cluster.mode !== 'l4/3') {
      report(
        'conflict',
        [...place, 'targetPort'],
        'only mode l4/3 can change the port; remove it or set mode: l4/3',
      );
    }
    if (typeof port.health === 'object') healthRules(mapping(port.health), [...place, 'health'], report);
    if (typeof port.port !== 'number') return;
    const protocol = port.protocol ?? 'tcp';
    for (const each of protocol === 'all' ? ['tcp', 'udp'] : [String(protocol)]) {
      const earlier = seen.get(`${port.port}/${each}`);
      if (earlier !== undefined) {
        report(
          'conflict',
          place,
          `port ${port.port}/${each} is already at ${formatPath(earlier)}; remove one`,
        );
        break;
      }
      seen.set(`${port.port}/${each}`, place);
    }
  });
}

/** The virtual MAC is 02:52:4d and the low 24 bits of the address: those must differ between clusters. */
const lowBits = (address: string): string => address.split('.').slice(1).join('.');

function clusterAddressRules(root: Mapping, report: Report): void {
  const byAddress = new Map<string, ConfigPath>();
  const byLowBits = new Map<string, ConfigPath>();
  list(root.clusters).forEach((entry, index) => {
    const path = ['clusters', index, 'address'];
    const address = canonicalAddress(mapping(entry).address);
    if (address === undefined) return;
    const earlier = byAddress.get(address);
    const alike = isIPv4(address) ? byLowBits.get(lowBits(address)) : undefined;
    if (earlier !== undefined) {
      report('conflict', path, `${address} is already at ${formatPath(earlier)}; each cluster needs its own`);
    } else if (alike !== undefined) {
      const why = 'so both would have one virtual MAC; choose addresses that differ there';
      report('conflict', path, `${address} ends in the same three numbers as ${formatPath(alike)}, ${why}`);
    }
    if (address === canonicalAddress(root.address)) {
      report(
        'conflict',
        path,
        `${address} is also this node's own address; a cluster address belongs to no node`,
      );
    }
    byAddress.set(address, path);
    byLowBits.set(lowBits(address), path);
  });
}

/** Checks what the schema cannot see from one key. `raw` is the parsed YAML, of any shape whatever. */
export function crossKeyProblems(raw: unknown): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report: Report = (code, path, message) => problems.push({ code, path, message });
  const root = mapping(raw);
  if (typeof root.ring === 'object') ringRules(mapping(root.ring), report);
  const outside = mapping(root.outside).interface;
  if (outside !== undefined && outside === root.interface) {
    report(
      'conflict',
      ['outside', 'interface'],
      'expected another interface than the inner one; remove outside if there is one',
    );
  }
  const capabilities = list(root.capabilities);
  if (new Set(capabilities).size < capabilities.length) {
    report('conflict', ['capabilities'], 'expected each capability once');
  }
  clusterAddressRules(root, report);
  list(root.clusters).forEach((entry, index) => {
    const cluster = mapping(entry);
    gatewayRules(cluster, ['clusters', index], report);
    portRules(cluster, ['clusters', index], report);
  });
  return problems;
}
