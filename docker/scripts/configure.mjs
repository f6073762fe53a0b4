/**
 * Writes a node's configuration, as JSON (which is YAML), from the container's environment to standard output.
 *
 *   RINGMASTER_ADDRESS          the cluster address (required)
 *   RINGMASTER_PORTS            what is served there, like `80` or `80/tcp,53/udp` (default: 80/tcp)
 *   RINGMASTER_SCHEDULER        who gets the next connection
 *   RINGMASTER_HEALTH           URL of the node's own service that must answer 2xx, like http://127.0.0.1:80/
 *   RINGMASTER_INTERFACE        default: the one whose network has the cluster address, else the first
 *   RINGMASTER_METRICS          where metrics are answered over TCP, like 0.0.0.0:7482 (default: nowhere)
 *   RINGMASTER_KEYS             directory of the key files (default: /keys)
 *   RINGMASTER_CONFIG_JSON      further keys as one JSON object, merged over all this
 */
import { generateKey, formatKeyFile } from '/opt/ringmaster/packages/node/dist/index.js';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

const SOCKET = '/run/ringmaster/node.sock';

function fail(message) {
  process.stderr.write(`ringmaster-configure: ${message}\n`);
  process.exit(2);
}

const toNumber = (address) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Whether a card's IPv4 network has the address. */
function holds({ address, netmask, family }, wanted) {
  if (family !== 'IPv4') return false;
  const mask = toNumber(netmask);
  return (toNumber(address) & mask) === (toNumber(wanted) & mask);
}

function chooseInterface(clusterAddress) {
  const cards = Object.entries(networkInterfaces()).filter(([name]) => name !== 'lo');
  const [near] = cards.find(([, entries]) => entries.some((entry) => holds(entry, clusterAddress))) ?? [];
  return near ?? cards[0]?.[0] ?? 'eth0';
}

/** `80/tcp,53/udp` */
function parsePorts(text, rest) {
  return text.split(/[\s,]+/).map((each) => {
    const [port, protocol = 'tcp'] = each.split('/');
    return { port: Number(port), protocol, ...rest };
  });
}

/**
 * The key files in the order that `order` in their directory gives (the first seals, all open). In an empty directory a key
 * is made: of several nodes that share it and start together, one makes it, and the others take it.
 */
function keyFiles(directory) {
  const order = join(directory, 'order');
  if (existsSync(order)) {
    const names = readFileSync(order, 'utf8').split(/\s+/);
    return names.filter((name) => name !== '').map((name) => join(directory, name));
  }
  const file = join(directory, 'cluster.key');
  if (!existsSync(file)) {
    const mine = join(directory, `.new-${process.hrtime.bigint()}-${networkInterfaces().eth0?.[0]?.mac}`);
    writeFileSync(mine, formatKeyFile(generateKey()), { mode: 0o600 });
    try {
      linkSync(mine, file);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    rmSync(mine);
  }
  return [file];
}

const isMapping = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(base, over) {
  if (!isMapping(base) || !isMapping(over)) return over;
  const merged = { ...base };
  for (const [key, value] of Object.entries(over))
    merged[key] = key in base ? merge(base[key], value) : value;
  return merged;
}

function furtherKeys(text) {
  try {
    const value = JSON.parse(text);
    if (isMapping(value)) return value;
  } catch {
    // said below
  }
  return fail(
    `RINGMASTER_CONFIG_JSON: expected a JSON object, like {"ring":{"preempt":false}}; found ${text}`,
  );
}

const environment = process.env;
const address = environment.RINGMASTER_ADDRESS;
if (!address) fail('RINGMASTER_ADDRESS: expected the cluster address, like 10.0.0.100');
const service = {
  ...(environment.RINGMASTER_SCHEDULER && { scheduler: environment.RINGMASTER_SCHEDULER }),
  ...(environment.RINGMASTER_HEALTH && {
    health: { http: environment.RINGMASTER_HEALTH, intervalMs: 500, timeoutMs: 1000 },
  }),
};
const config = {
  interface: environment.RINGMASTER_INTERFACE || chooseInterface(address),
  ring: { keyFile: keyFiles(environment.RINGMASTER_KEYS || '/keys') },
  clusters: [{ address, ports: parsePorts(environment.RINGMASTER_PORTS || '80/tcp', service) }],
  control: { socket: SOCKET },
  ...(environment.RINGMASTER_METRICS && { metrics: { listen: environment.RINGMASTER_METRICS } }),
};
const whole = merge(config, furtherKeys(environment.RINGMASTER_CONFIG_JSON || '{}'));
process.stdout.write(`${JSON.stringify(whole, undefined, 2)}\n`);
