import { Lab, startNode, writeNodeFile, type Host } from '@ringmaster/lab';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ADDRESS, diagnose, examine, of, settings, sysctl, troubles } from './examining.js';

/** What `ringmaster doctor` finds on a host, provoked on one; and that `--fix` cures what it says it can. */

const KEY = 'q3Jc0u8mWlF5tQ2sX9bZr1VnKp4yHd7eTgA6iOjC0hM=\n';

let lab: Lab;
let host: Host;
beforeEach(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24');
  host = await lab.host('n1', { lan, address: '10.0.0.11/24' });
});
afterEach(() => lab.close());

const read = async (path: string): Promise<string> =>
  (await host.exec('cat', [`/proc/sys/${path}`])).stdout.trim();

/** Shows that a dry run changes nothing, and that the cure cures. */
async function isCured(check: string, config = settings(), only = check): Promise<string[]> {
  const planned = await diagnose(host, config, { args: ['--fix', '--dry-run', '--only', only] });
  expect(planned.fixes?.map(({ outcome }) => outcome)).toEqual(['planned']);
  expect(of(check, planned)[0]).not.toMatch(/^ok/);
  const fixed = await diagnose(host, config, { args: ['--fix', '--only', only] });
  expect(fixed.fixes?.map(({ outcome }) => outcome)).toEqual(['done']);
  expect(of(check, fixed)[0]).toMatch(/^ok/);
  return fixed.fixes?.map(({ did, persist = '' }) => `${did} | ${persist}`) ?? [];
}

test('a plain host alone on its LAN: nothing is wrong but what is known to be missing', async () => {
  expect(troubles(await diagnose(host))).toEqual([
    'warning key: the ring runs without a key',
    'warning virtual-mac: it was not tried whether virtual MACs pass at eth0: no other host answered',
  ]);
});

test('clocks are said not to matter', async () => {
  expect(of('clock', await diagnose(host))).toEqual([
    'ok: the clocks of the nodes need not agree: nothing depends on them',
  ]);
});

describe('privileges', () => {
  test('capabilities that are missing', async () => {
    const without = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
    const found = await diagnose(host, settings(), { wrap: without });
    expect(of('privileges', found)).toEqual(['error: CAP_NET_RAW missing']);
    expect(of('kernel', found)).toEqual(['warning: what this kernel can do was not tried']);
    expect(of('lan', found)).toEqual(['warning: the LAN was not listened to (EPERM)']);
  });

  test('a user namespace that does not own the network', async () => {
    const found = await diagnose(host, settings(), { wrap: ['unshare', '--user', '--map-root-user'] });
    expect(of('privileges', found)).toEqual(['ok: CAP_NET_RAW and CAP_NET_ADMIN are there']);
    expect(of('kernel', found)).toEqual(['error: packet sockets are refused in spite of the capabilities']);
  });
});

describe('kernel settings', () => {
  test('a strict reverse path filter', async () => {
    await sysctl(host, 'net/ipv4/conf/eth0/rp_filter', '1');
    expect(of('rp-filter', await diagnose(host))).toEqual([
      'warning: the reverse path filter of eth0 is strict',
    ]);
    expect(await isCured('rp-filter')).toEqual([
      'sysctl -w net.ipv4.conf.eth0.rp_filter=2 | add to /etc/sysctl.d/60-ringmaster.conf: net.ipv4.conf.eth0.rp_filter = 2',
    ]);
    expect(await read('net/ipv4/conf/eth0/rp_filter')).toBe('2');
  });

  test('ARP settings that a container may not change', async () => {
    const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"';
    const found = await diagnose(host, settings(), {
      wrap: ['unshare', '--mount', 'sh', '-c', readOnly, 'sh'],
    });
    expect([...of('arp-ignore', found), ...of('arp-announce', found)]).toEqual([
      'error: net/ipv4/conf/all/arp_ignore is 0',
      'error: net/ipv4/conf/all/arp_announce is 0',
    ]);
  });

  test('ARP settings that somebody sets back under a running node', async () => {
    const node = await startNode(host, settings());
    await sysctl(host, 'net/ipv4/conf/all/arp_announce', '0');
    await sysctl(host, 'net/ipv4/conf/all/arp_ignore', '0');
    const found = await examine(host, node.configFile);
    expect([...of('arp-ignore', found), ...of('arp-announce', found)]).toEqual([
      'error: net/ipv4/conf/all/arp_ignore is 0',
      'error: net/ipv4/conf/all/arp_announce is 0',
    ]);
    const fixed = await examine(host, node.configFile, { args: ['--fix'] });
    expect(troubles(fixed).filter((each) => each.includes('arp-'))).toEqual([]);
    expect(await read('net/ipv4/conf/all/arp_announce')).toBe('2');
  });

  test('IPv6 that is switched off', async () => {
    await sysctl(host, 'net/ipv6/conf/lo/disable_ipv6', '1');
    const config = settings({ clusters: [{ address: '2001:db8::100', ports: [{ port: 80 }] }] });
    expect(of('ipv6', await diagnose(host, config))).toEqual([
      'error: IPv6 is disabled on lo, and 2001:db8::100 needs it',
    ]);
    await isCured('ipv6', config);
    expect(await read('net/ipv6/conf/lo/disable_ipv6')).toBe('0');
  });
});

describe('interfaces and addresses', () => {
  test('lo that is down', async () => {
    await host.exec('ip', ['link', 'set', 'lo', 'down']);
    expect(of('loopback', await diagnose(host))).toEqual(['error: lo is down']);
    expect(await isCured('loopback')).toEqual(['ip link set lo up | ']);
  });

  test('an interface that is not there, and one that is down: that is not switched on', async () => {
    const elsewhere = await diagnose(host, settings({ interface: 'eth9' }));
    expect(of('interface', elsewhere)).toEqual(['error: there is no interface eth9']);
    await host.exec('ip', ['link', 'set', 'eth0', 'down']);
    const found = await diagnose(host, settings(), { args: ['--fix'] });
    expect(of('interface', found)).toEqual(['error: interface eth0 is down']);
    expect(found.fixes).toEqual([]);
  });

  test('the cluster address on a card, and on lo beforehand', async () => {
    await host.addAddress(`${ADDRESS}/24`);
    expect(of('cluster-address', await diagnose(host))).toEqual([`error: ${ADDRESS} is on eth0`]);
    await host.deleteAddress(`${ADDRESS}/24`);
    await host.addAddress(`${ADDRESS}/32`, 'lo');
    const found = await diagnose(host, settings(), { args: ['--fix'] });
    expect(of('cluster-address', found)).toEqual([`warning: ${ADDRESS} is on lo already`]);
    expect(found.fixes).toEqual([]); // it may be meant
  });

  test('the ghost gateway on this host, and rules that lead to a table of ours', async () => {
    const config = settings({
      clusters: [{ address: ADDRESS, mode: 'l4/3', gateway: '10.0.0.99', ports: [{ port: 80 }] }],
    });
    await host.addAddress('10.0.0.99/24');
    await host.exec('ip', ['rule', 'add', 'from', '10.0.0.11', 'lookup', '7400']);
    const found = await diagnose(host, config);
    expect(of('ghost-gateway-address', found)).toEqual(['error: the ghost gateway 10.0.0.99 is on eth0']);
    expect(of('routing', found)).toEqual([
      'warning: routing table 7400 has 0 routes and 1 rules, though no node runs',
    ]);
  });
});

describe('the node', () => {
  test('a port that is in use', async () => {
    const taken = host.spawn(process.execPath, [
      '-e',
      "require('node:net').createServer().listen(7400, '0.0.0.0', () => console.log('there'))",
    ]);
    await taken.waitForLine((line) => line === 'there', 10_000);
    expect(of('ring-port', await diagnose(host))).toEqual([
      'ok: UDP port 7400 is free',
      'error: TCP port 7400 is in use',
    ]);
  });

  test('a key that others may read', async () => {
    const keyFile = join(host.directory, 'cluster.key');
    writeFileSync(keyFile, KEY);
    chmodSync(keyFile, 0o644);
    const config = settings({ ring: { keyFile } });
    expect(of('key', await diagnose(host, config))).toEqual([
      `warning: ${keyFile} may be used by everybody (mode 644)`,
    ]);
    expect(await isCured('key', config)).toEqual([`chmod 600 ${keyFile} | `]);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  });

  test('a control socket in a directory that is not there', async () => {
    const directory = join(host.directory, 'nowhere');
    const config = settings({ control: { socket: join(directory, 'node.sock') } });
    expect(await isCured('control-socket', config)).toEqual([
      `mkdir -p ${directory} | ${persisted(directory)}`,
    ]);
    expect(existsSync(directory)).toBe(true);
  });

  test('what a killed node has left', async () => {
    const node = await startNode(host, settings());
    node.kill();
    await node.process.exited;
    expect(of('leftover', await examine(host, node.configFile))).toEqual([
      expect.stringMatching(/^warning: \d changes of a dead node are left$/),
    ]);
    await isCured('leftover');
    expect((await host.exec('ip', ['address', 'show', 'lo'])).stdout).not.toContain(ADDRESS);
    expect(await read('net/ipv4/conf/eth0/arp_ignore')).toBe('0');
  });

  test('what is no undo journal is left alone', async () => {
    const { socket } = await writeNodeFile(host, settings());
    writeFileSync(`${socket}.undo.json`, 'nonsense');
    const found = await diagnose(host, settings(), { args: ['--fix'] });
    expect(of('leftover', found)).toEqual([`error: ${socket}.undo.json is no undo journal`]);
    expect(readFileSync(`${socket}.undo.json`, 'utf8')).toBe('nonsense');
  });

  test('a configuration that is not right', async () => {
    const found = await diagnose(host, { interface: 'eth0' });
    expect(found.ok).toBe(false);
    expect(of('configuration', found).length).toBeGreaterThan(0);
  });
});

/** Directories in /run are gone after a restart. */
const persisted = (directory: string): string =>
  `add to /etc/tmpfiles.d/ringmaster.conf: d ${directory} 0755 root root`;

describe('the firewall', () => {
  const load = (rules: string) => host.exec('nft', ['-f', '-'], rules);

  test('that drops by default, until the ring is let in', async () => {
    await load(`table inet filter {
      chain services { tcp dport { 80, 443 } accept; ct state established accept; }
      chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; jump services; }
    }`);
    expect(of('firewall', await diagnose(host))).toEqual([
      'error: the firewall (inet filter input) drops UDP to port 7400',
      'error: the firewall (inet filter input) drops TCP to port 7400',
    ]);
    await load('add rule inet filter services ip saddr 10.0.0.0/24 udp dport 7400 accept');
    expect(of('firewall', await diagnose(host))).toEqual([
      'error: the firewall (inet filter input) drops TCP to port 7400',
    ]);
    await load('add rule inet filter services tcp dport 7000-8000 accept');
    expect(of('firewall', await diagnose(host))[0]).toMatch(/^ok/);
  });

  test('that drops what connection tracking does not know', async () => {
    await load(`table inet filter {
      chain input { type filter hook input priority 0; ct state invalid drop; }
    }`);
    await sysctl(host, 'net/netfilter/nf_conntrack_tcp_loose', '0');
    expect(of('conntrack', await diagnose(host))[0]).toMatch(/^warning/);
    await isCured('conntrack');
    expect(await read('net/netfilter/nf_conntrack_tcp_loose')).toBe('1');
  });
});
