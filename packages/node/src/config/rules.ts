/**
 * The rules that span several keys. They read the raw tree, not the checked one, and skip whatever is malformed
 * (the schema has already said so): thus one run lists every problem of a file, not only those of the first kind.
 */
import { addressRules } from './addressRules.js';
import { natRules, targetRules, weightRules } from './natRules.js';
import { formatPath, type ConfigPath, type ConfigProblem } from './problem.js';
import { list, mapping, protocolsOf, type Mapping, type Report } from './raw.js';

/** Whose choice depends on nothing but the client and the servers. */
const STATELESS_SCHEDULERS = ['source-hash', 'maglev'];

const number = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);

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

function healthRules(health: Mapping, path: ConfigPath, report: Report): void {
  const kinds = ['http', 'tcp', 'command'].filter((kind) => health[kind] !== undefined);
  const one = 'expected one of the keys http, tcp and command, found';
  if (kinds.length === 0) report('missing', path, `${one} none`);
  if (kinds.length > 1) report('conflict', path, `${one} ${kinds.join(' and ')}`);
  const url = String(health.http ?? '');
  for (const key of ['status', 'serverName', 'insecure']) {
    if (health[key] === undefined || kinds.length !== 1) continue;
    if (health.http === undefined)
      report('conflict', [...path, key], 'only a check with http has it; remove it');
    else if (key === 'insecure' && !url.startsWith('https:'))
      report('conflict', [...path, key], 'only an https URL has certificates; remove it');
  }
}

/** Broadcast dispatch: what it cannot do, and that all clusters are dispatched alike. */
function dispatchRules(root: Mapping, report: Report): void {
  const clusters = list(root.clusters).map(mapping);
  const [first] = clusters;
  clusters.forEach((cluster, index) => {
    const { dispatch = 'routed', mode = 'l4/2' } = cluster;
    const path = ['clusters', index];
    if (index > 0 && dispatch !== (first.dispatch ?? 'routed')) {
      const why = `expected the same as at clusters[0], ${String(first.dispatch ?? 'routed')}`;
      report('conflict', [...path, 'dispatch'], why);
    }
    if (dispatch !== 'broadcast') return;
    if (mode !== 'l4/2') report('conflict', [...path, 'mode'], 'dispatch: broadcast works in l4/2 only');
    list(cluster.ports).forEach((entry, position) => {
      const { stateless, scheduler = 'round-robin' } = mapping(entry);
      const place = [...path, 'ports', position];
      if (stateless === true)
        report(
          'conflict',
          [...place, 'stateless'],
          'with dispatch: broadcast connections are remembered; remove it',
        );
      if (scheduler !== 'round-robin') {
        const why = "with dispatch: broadcast the hash of the client's address chooses; remove it";
        report('conflict', [...place, 'scheduler'], why);
      }
    });
  });
}

function portRules(cluster: Mapping, path: ConfigPath, report: Report): void {
  const seen = new Map<string, ConfigPath>();
  list(cluster.ports).forEach((entry, index) => {
    const port = mapping(entry);
    const place = [...path, 'ports', index];
    natRules(cluster, port, place, report);
    if (port.stateless === true && !STATELESS_SCHEDULERS.includes(port.scheduler as string)) {
      const words = STATELESS_SCHEDULERS.join(' or ');
      report('conflict', [...place, 'stateless'], `only scheduler ${words} can do without a connection map`);
    }
    if (port.stateless === true && port.affinity !== undefined)
      report(
        'conflict',
        [...place, 'affinity'],
        'a stateless service remembers nobody; remove affinity or stateless',
      );
    if (typeof port.health === 'object') healthRules(mapping(port.health), [...place, 'health'], report);
    if (typeof port.port !== 'number') return;
    for (const each of protocolsOf(port)) {
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

/** Names count as other places: what they stand for is somebody else's to say. */
function isLoopback(listen: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|\[::1\]):\d+$/.test(listen);
}

function dashboardRules(dashboard: Mapping, report: Report): void {
  const { listen, tokenFile } = dashboard;
  if (typeof listen !== 'string' || !/:\d+$/.test(listen)) return;
  if (tokenFile !== undefined || isLoopback(listen)) return;
  const cure = 'the path of a file with a token, or a listen at 127.0.0.1';
  report('missing', ['dashboard', 'tokenFile'], `missing; others can reach ${listen}: expected ${cure}`);
}

/** Nobody is let in for being able to reach the port. */
function controlRules({ listen, tokenFile, tls }: Mapping, report: Report): void {
  if (listen === undefined) {
    for (const [key, value] of Object.entries({ tokenFile, tls })) {
      if (value !== undefined)
        report('conflict', ['control', key], 'there is no control.listen that it is for');
    }
    return;
  }
  if (tokenFile !== undefined || mapping(tls).clientCa !== undefined) return;
  const cure = 'the path of a file with a token, or control.tls with a clientCa';
  report(
    'missing',
    ['control', 'tokenFile'],
    `missing; control.listen is open to everybody: expected ${cure}`,
  );
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
  dashboardRules(mapping(root.dashboard), report);
  controlRules(mapping(root.control), report);
  addressRules(root, report);
  list(root.clusters).forEach((entry, index) => portRules(mapping(entry), ['clusters', index], report));
  dispatchRules(root, report);
  targetRules(root, report);
  weightRules(root, report);
  return problems;
}
