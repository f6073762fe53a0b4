import { Lab, ringmaster, writeNodeFile, type Host, type LabProcess } from '@ringmaster/lab';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settings } from './examining.js';

/** A node as systemd runs it: told by a real socket, without root, its log full or gone. */

const BIN = fileURLToPath(new URL('../../packages/cli/bin/ringmaster.js', import.meta.url));

let lab: Lab;
let host: Host;
beforeEach(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24');
  host = await lab.host('n1', { lan, address: '10.0.0.11/24' });
});
afterEach(() => lab.close());

/** Binds a datagram socket and prints each message as JSON: what systemd is to a service. */
const LISTENER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name.startswith('@') else name)
print('bound', flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

async function listenAt(name: string): Promise<LabProcess> {
  const listener = host.spawn('python3', ['-c', LISTENER, name]);
  await listener.waitForLine((line) => line === 'bound', 10_000);
  return listener;
}

const answers = async (): Promise<boolean> =>
  (await ringmaster(host, 'status', '--socket', join(host.directory, 'ringmaster.sock'))).code === 0;

describe.each([
  ['a path', () => join(host.directory, 'notify')],
  ['an abstract name', () => `@ringmaster-test-${process.pid}`],
])('NOTIFY_SOCKET with %s', (_, nameOf) => {
  test('a node says that it is ready, that it lives, that it reloads, and that it stops', async () => {
    const name = nameOf();
    const listener = await listenAt(name);
    const { file } = await writeNodeFile(host, settings());
    const node = host.spawn('env', [
      ...[`NOTIFY_SOCKET=${name}`, 'WATCHDOG_USEC=400000'],
      ...[process.execPath, BIN, 'up', '--config', file],
    ]);
    await listener.waitForLine((line) => line === '"READY=1"', 20_000);
    expect(await answers()).toBe(true);
    await listener.waitForLine((line) => line === '"WATCHDOG=1"', 10_000);
    await listener.waitForLine((line) => line.startsWith('"STATUS='), 20_000);
    node.kill('SIGHUP');
    await listener.waitForLine((line) => /^"RELOADING=1\\nMONOTONIC_USEC=\d+"$/.test(line), 10_000);
    let ready = 0;
    await listener.waitForLine((line) => line === '"READY=1"' && ++ready === 2, 10_000);
    node.kill('SIGTERM');
    await listener.waitForLine((line) => line === '"STOPPING=1"', 10_000);
    await node.exited;
  });
});

test('a node works without root, with the capabilities of the unit', async () => {
  const { file, socket } = await writeNodeFile(host, settings());
  chmodSync(host.directory, 0o777);
  const unit = readFileSync(new URL('../../packaging/systemd/ringmaster.service', import.meta.url), 'utf8');
  const names = /^AmbientCapabilities=(.*)$/m.exec(unit)?.[1] ?? '';
  const capabilities = names.split(' ').map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
  // The one user of the lab's user namespace is root; without its capabilities it is like any other for the kernel.
  const node = host.spawn('setpriv', [
    ...['--securebits', '+noroot,+no_setuid_fixup,+keep_caps_locked'],
    ...[`--inh-caps=-all,${capabilities.join(',')}`, `--ambient-caps=-all,${capabilities.join(',')}`],
    ...[`--bounding-set=-all,${capabilities.join(',')}`],
    ...[process.execPath, BIN, 'up', '--config', file],
  ]);
  await expect.poll(answers, { timeout: 20_000 }).toBe(true);
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))?.[1];
  expect(BigInt(`0x${effective}`)).toBe((1n << 12n) | (1n << 13n) | (1n << 23n));
  expect((await host.exec('ip', ['address', 'show', 'lo'])).stdout).toContain('10.0.0.100');
  node.kill('SIGTERM');
  await node.exited;
  expect((await host.exec('ip', ['address', 'show', 'lo'])).stdout).not.toContain('10.0.0.100');
  expect(existsSync(socket)).toBe(false);
});

/** A pipe that is full before the node starts. The node itself holds the end that nobody reads, so nothing outlives it. */
const UNREAD = `pipe=$(mktemp -u) && mkfifo "$pipe" && exec 3<>"$pipe"
  dd if=/dev/zero of="$pipe" bs=4096 oflag=nonblock 2>/dev/null
  exec 2>"$pipe" && rm "$pipe" && exec "$@"`;

describe('a log that cannot be written does not stop a node', () => {
  test.each([
    ['a full disk', 'exec "$@" 2>/dev/full'],
    ['a closed descriptor', 'exec "$@" 2>&-'],
    ['a reader that has gone', 'exec "$@" 2> >(exec sleep 0.1 > /dev/null)'],
    ['a reader that does not read', UNREAD],
  ])('%s', async (_, shell) => {
    const { file } = await writeNodeFile(host, settings());
    const args = ['up', '--config', file, '--log-level', 'debug', '--log-format', 'json'];
    const node = host.spawn('bash', ['-c', shell, 'bash', process.execPath, BIN, ...args]);
    await expect.poll(answers, { timeout: 20_000 }).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await answers()).toBe(true);
    expect(node.ended).toBeUndefined();
  });
});
