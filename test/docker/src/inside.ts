/** Faults inside containers: services, disks, keys; and what a node leaves behind. */
import { formatKeyFile, generateKey } from '@ringmaster/node';
import { must, nowMs } from '@ringmaster/lab';
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import type { Container } from './container.js';
import type { Pick, Step } from './scenario.js';
import { fault } from './steps.js';

const SERVICE_PROCESS = 'node /opt/ringmaster/packages/lab/dist/services';
/** User of the image. */
const OWNER = 7400;

/** The service answers 500 to new requests, or 200 again; what is open goes on. */
export const toggleService = (pick: Pick, how: 'ill' | 'well'): Step =>
  fault(
    how === 'ill' ? 'the service answers 500 on' : 'the service is well again on',
    pick,
    async ({ notes }, nodes) => {
      for (const node of nodes) node.signal(SERVICE_PROCESS, 'SIGUSR2');
      notes.set(`service ${how} at`, nowMs());
    },
  );

/** Fills the disk that the logs go to. */
export const fillLogDisk = (pick: Pick): Step =>
  fault('the disk for logs is full on', pick, async (_stage, nodes) => {
    for (const node of nodes) fill(node);
  });

function fill(node: Container): void {
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(node.path('var/log/ringmaster/fill'), chunk, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Writes which keys the nodes use from their next start on; the first seals. A file that is not there is made. */
export const useKeys = (...names: string[]): Step => ({
  does: `keys are now: ${names.join(', ')}`,
  run: async ({ cluster, record }) => {
    const keys = cluster.nodes[0].path('keys');
    const write = (name: string, text: string) => {
      writeFileSync(`${keys}/${name}`, text, { mode: 0o600 });
      chownSync(`${keys}/${name}`, OWNER, OWNER);
    };
    for (const name of names) if (!exists(`${keys}/${name}`)) write(name, formatKeyFile(generateKey()));
    write('order', `${names.join('\n')}\n`);
    record.say('fault', `keys: ${names.join(', ')} (the first seals)`);
  },
});

function exists(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

const GIVEN = { arp_ignore: '1', arp_announce: '2', rp_filter: '2' };

/** What on a host belongs to Ringmaster, a line each; nothing when it is clean. */
async function leftovers(look: (command: string, ...args: string[]) => Promise<string>): Promise<string[]> {
  const found: string[] = [];
  const addresses = JSON.parse(await look('ip', '-j', 'address', 'show', 'dev', 'lo')) as {
    addr_info: { local: string }[];
  }[];
  for (const { local } of addresses[0].addr_info)
    if (local !== '127.0.0.1' && local !== '::1') found.push(`lo has ${local}`);
  const rules = (await look('ip', 'rule'))
    .split('\n')
    .filter((line) => !/lookup (local|main|default)$/.test(line.trim()));
  found.push(...rules.map((rule) => `rule ${rule}`));
  for (const [name, given] of Object.entries(GIVEN)) {
    const value = await look('sysctl', '-n', `net.ipv4.conf.all.${name}`);
    if (value !== given) found.push(`all.${name} is ${value}, was ${given}`);
  }
  // Docker keeps rules of its own here, for its name server.
  const tables = (await look('nft', 'list', 'tables'))
    .split('\n')
    .filter((line) => line !== '' && !/^table ip6? nat$/.test(line));
  return [...found, ...tables.map((table) => `nft ${table}`)];
}

/** What a node that has ended has left on its host, a line each. */
async function leftBy(node: Container, network: ReturnType<Container['holdNetwork']>): Promise<string[]> {
  const found = await leftovers(network.look);
  network.close();
  const files = (await must('docker', ['diff', node.id])).split('\n');
  found.push(...files.filter((line) => /\.undo\.json|\.drain\.json/.test(line)));
  return found.map((what) => `${node.name}: ${what}`);
}

/** Ends nodes by `end`, and looks at the hosts that they leave, which outlive their containers for so long. */
export async function endAndLook(
  nodes: readonly Container[],
  end: (nodes: readonly Container[]) => Promise<void>,
): Promise<string[]> {
  const networks = nodes.map((node) => node.holdNetwork());
  await end(nodes);
  return (await Promise.all(nodes.map((node, index) => leftBy(node, networks[index])))).flat();
}

export const LEFT = 'things that a stopped node has left on its host';

/** `docker stop`, and a look at what is left. */
export const stopCleanly = (pick: Pick): Step =>
  fault('docker stop', pick, async (stage, nodes) => {
    for (const { address } of nodes) stage.harmed.add(address);
    const left = await endAndLook(nodes, (them) => stage.cluster.docker('stop', them));
    stage.record.say('note', left.length === 0 ? 'nothing is left on their hosts' : left.join('; '));
    stage.notes.set(LEFT, left.length);
  });
