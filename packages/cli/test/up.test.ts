import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** `ringmaster up` on a host of its own: a network namespace that vanishes with the script. */

const BIN = fileURLToPath(new URL('../bin/ringmaster.js', import.meta.url));

/** One interface, and words for the scripts of the tests. */
const HOST = `
  set -eu
  ip link set lo up
  ip link add eth0 type veth peer name eth1
  ip link set eth0 up; ip link set eth1 up
  ip address add 10.0.0.11/24 dev eth0
  state() {
    ip -o -4 address show | awk '{ print $2, $4 }'
    (cd /proc/sys/net/ipv4/conf; grep . all/arp_ignore all/arp_announce eth0/arp_ignore eth0/arp_announce)
  }
  up() { exec "$NODE" "$BIN" up --config ringmaster.yaml; }
  answering() { until "$NODE" "$BIN" status --config ringmaster.yaml >/dev/null 2>&1; do sleep 0.2; done; }
  ended() { set +e; wait "$1"; echo "exit $?"; set -e; }
`;

const CONFIG = `interface: eth0
ring: { insecure: true }
clusters: [{ address: 10.0.0.100, ports: [{ port: 80 }] }]
maxConnections: 1024
control: { socket: node.sock }
`;

const BEFORE = `lo 127.0.0.1/8
eth0 10.0.0.11/24
all/arp_ignore:0
all/arp_announce:0
eth0/arp_ignore:0
eth0/arp_announce:0
`;
const TAKEN = `lo 127.0.0.1/8
lo 10.0.0.100/32
eth0 10.0.0.11/24
all/arp_ignore:1
all/arp_announce:2
eth0/arp_ignore:1
eth0/arp_announce:2
`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-up-'));
  writeFileSync(join(directory, 'ringmaster.yaml'), CONFIG);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Runs a script on a fresh host; resolves with what it wrote. */
function onHost(script: string): Promise<{ stdout: string; stderr: string }> {
  const args = ['--user', '--map-root-user', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const env = { ...process.env, NODE: process.execPath, BIN, NO_COLOR: '1' };
  const child = spawn('unshare', [...args, 'bash', '-c', HOST + script], { cwd: directory, env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve({ stdout, stderr }));
  });
}

/** The messages of the node's log, which has the shell's own words in between. */
const messages = (log: string): string[] =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => (JSON.parse(line) as { message: string }).message);

it.each(['TERM', 'INT'])('on SIG%s leaves with exit code 0, the host being as it was', async (signal) => {
  const { stdout, stderr } = await onHost(`
    state
    up & node=$!
    answering; state
    kill -${signal} $node; ended $node
    state
  `);
  expect(stdout).toBe(`${BEFORE}${TAKEN}exit 0\n${BEFORE}`);
  expect(messages(stderr)).toContain('node started');
  expect(readdirSync(directory)).toEqual(['ringmaster.yaml']);
});

it('takes back after a crash what the crashed one had left, and no more', async () => {
  const { stdout, stderr } = await onHost(`
    echo 2 > /proc/sys/net/ipv4/conf/all/arp_ignore
    up & node=$!
    answering
    kill -KILL $node; ended $node
    ls; state
    up & node=$!
    answering
    kill -TERM $node; ended $node
    state
  `);
  // What `all` has is in force on the interface, too: nothing is changed there.
  const taken = TAKEN.replace('all/arp_ignore:1', 'all/arp_ignore:2').replace(
    'eth0/arp_ignore:1',
    'eth0/arp_ignore:0',
  );
  const before = BEFORE.replace('all/arp_ignore:0', 'all/arp_ignore:2');
  const files = 'node.sock\nnode.sock.undo.json\nringmaster.yaml\n';
  expect(stdout).toBe(`exit 137\n${files}${taken}exit 0\n${before}`);
  expect(messages(stderr)).toContain('took back what a crashed node had left');
});

it('goes on when nobody reads its log', async () => {
  const { stdout } = await onHost(`
    up 2>&1 | true &
    answering
    "$NODE" "$BIN" status --json --config ringmaster.yaml
  `);
  expect(JSON.parse(stdout)).toMatchObject({ address: '10.0.0.11' });
});

it('reads its configuration anew on SIGHUP, and stops when its terminal is closed', async () => {
  const { stdout } = await onHost(`
    # A terminal: it is closed when the program that keeps it ends.
    script -qfc '"$NODE" "$BIN" up --config ringmaster.yaml' terminal.log > /dev/null < /dev/null & terminal=$!
    answering
    node=$(grep -Eom1 '"pid": [0-9]+' node.sock.undo.json | grep -Eo '[0-9]+')
    echo 'weight: 3' >> ringmaster.yaml
    kill -HUP $node
    until grep -q 'configuration reloaded' terminal.log; do sleep 0.1; done
    answering; state
    kill -KILL $terminal
    while [ -e node.sock.undo.json ]; do sleep 0.1; done
    state
  `);
  expect(stdout).toBe(`${TAKEN}${BEFORE}`);
});
