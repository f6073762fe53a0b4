import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Cluster, Lab, type ClusterHost, type Host, type Lan } from '@ringmaster/lab';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ADDRESS, diagnose, examine, of, settings } from './examining.js';

/** What `ringmaster doctor` finds on a LAN: what it lets through, and who else is there. */

const runFile = promisify(execFile);

const LISTENING = { args: ['--listen', '2500ms'] };
/** Base64 of 32 bytes that are no pattern. */
const OTHER_KEY = 'q3Jc0u8mWlF5tQ2sX9bZr1VnKp4yHd7eTgA6iOjC0hM=\n';

describe('a LAN with another host', () => {
  let lab: Lab;
  let lan: Lan;
  let host: Host;
  let other: Host;
  beforeEach(async () => {
    lab = await Lab.create();
    lan = await lab.lan('lan', '10.0.0.0/24');
    host = await lab.host('n1', { lan, address: '10.0.0.11/24', gateway: '10.0.0.12' });
    other = await lab.host('n2', { lan, address: '10.0.0.12/24' });
  });
  afterEach(() => lab.close());

  const atSwitch = (...args: string[]) => runFile('ip', ['netns', 'exec', lan.namespace, ...args]);

  test('that lets everything through', async () => {
    await host.exec('ip', ['neighbour', 'replace', '10.0.0.12', 'lladdr', other.mac, 'dev', 'eth0']);
    const found = await diagnose(host);
    expect(of('virtual-mac', found)).toEqual(['ok: frames of other MACs than its own pass at eth0']);
    expect(of('frame-size', found)).toEqual(['ok: packets of 1500 bytes reach 10.0.0.12']);
    expect(of('address-conflict', found)).toEqual([`ok: no other host on eth0 owns ${ADDRESS}`]);
  });

  test('whose switch passes the MACs only that it knows (802.1X, port security)', async () => {
    await atSwitch('bridge', 'fdb', 'replace', host.mac, 'dev', 'n1', 'master', 'static');
    await atSwitch('ip', 'link', 'set', 'n1', 'type', 'bridge_slave', 'locked', 'on', 'learning', 'off');
    expect(of('virtual-mac', await diagnose(host))).toEqual([
      'error: frames of other MACs than its own do not pass at eth0',
    ]);
  });

  test('seen through a macvlan, as containers have it', async () => {
    await host.exec('ip', ['link', 'add', 'mv0', 'link', 'eth0', 'type', 'macvlan', 'mode', 'bridge']);
    await host.exec('sh', [
      '-c',
      'ip address flush dev eth0; ip address add 10.0.0.21/24 dev mv0; ip link set mv0 up',
    ]);
    await host.exec('ip', ['neighbour', 'replace', '10.0.0.12', 'lladdr', other.mac, 'dev', 'mv0']);
    const { findings } = await diagnose(host, settings({ interface: 'mv0' }));
    const found = findings.find(({ check }) => check === 'virtual-mac');
    expect(found).toMatchObject({
      level: 'error',
      what: 'frames of other MACs than its own do not pass at mv0',
      cure: 'give the node the host network, a veth on a bridge, or a macvlan of mode passthru',
    });
  });

  test('of which one host has a smaller MTU', async () => {
    await other.exec('ip', ['link', 'set', 'eth0', 'mtu', '1400']);
    await host.exec('ip', ['neighbour', 'replace', '10.0.0.12', 'lladdr', other.mac, 'dev', 'eth0']);
    expect(of('frame-size', await diagnose(host))).toEqual([
      'error: packets of 1500 bytes do not reach 10.0.0.12, small ones do',
    ]);
  });

  test('where another host has the cluster address', async () => {
    await other.addAddress(`${ADDRESS}/24`);
    expect(of('address-conflict', await diagnose(host))).toEqual([
      `error: ${ADDRESS} belongs to ${other.mac}`,
    ]);
  });

  test('with VRRP for the cluster address, and for another', async () => {
    const master = async (group: number, addressHex: string) => {
      // VRRP version 2 (RFC 3768) as its master says it every second: type, group, priority 200, one address.
      const vrrp = `21${group.toString(16)}c80100010000${addressHex}${'00'.repeat(8)}`;
      const program = `
        const { sendFrame } = require('libnetraw');
        const { encodeIpv4 } = require('libnetraw/wire');
        const frame = Uint8Array.from(Buffer.from('01005e00001200005e0001330800${'00'.repeat(20)}${vrrp}', 'hex'));
        const addresses = { source: 0x0a00000c, destination: 0xe0000012 };
        encodeIpv4(frame, 14, { ...addresses, protocol: 112, payloadLength: 20, ttl: 255 });
        setInterval(() => sendFrame('eth0', frame), 1000);
        console.log('there');`;
      const started = other.spawn(process.execPath, ['-e', program]);
      await started.waitForLine((line) => line === 'there', 10_000);
      return started;
    };
    const ours = await master(51, '0a000064');
    expect(of('vrrp', await diagnose(host, settings(), LISTENING))).toEqual([
      `error: 10.0.0.12 is master of VRRP group 51 and holds ${ADDRESS}`,
    ]);
    ours.kill('SIGKILL');
    await ours.exited;
    await master(52, '0a00004d');
    expect(of('vrrp', await diagnose(host, settings(), LISTENING))).toEqual([
      'ok: 10.0.0.12 is master of VRRP group 52 for other addresses: that is not in the way',
    ]);
  });

  test('with a cluster in another network whose virtual MAC is the same', async () => {
    // 172.0.0.100 has the last three bytes of 10.0.0.100.
    const announce = `
      const { sendFrame } = require('libnetraw');
      const { arpFrame } = require('libnetraw/wire');
      const mac = Uint8Array.of(2, 0x52, 0x4d, 0, 0, 100);
      setInterval(() => sendFrame('eth0', arpFrame(new Uint8Array(6).fill(255), mac, {
        operation: 1, senderMac: mac, senderAddress: 0xac000064, targetMac: mac, targetAddress: 0xac000064,
      })), 200);
      console.log('there');`;
    const announcer = other.spawn(process.execPath, ['-e', announce]);
    await announcer.waitForLine((line) => line === 'there', 10_000);
    expect(of('other-cluster', await diagnose(host, settings(), LISTENING))).toEqual([
      `error: another cluster at 172.0.0.100 has the virtual MAC of ${ADDRESS}`,
    ]);
  });
});

test('two cards with different MTUs', async () => {
  const lab = await Lab.create();
  try {
    const lan = await lab.lan('lan', '10.0.0.0/24');
    const outer = await lab.lan('outer', '10.1.0.0/24');
    const more = [{ lan: outer, address: '10.1.0.11/24' }];
    const host = await lab.host('n1', { lan, address: '10.0.0.11/24', more });
    await host.exec('ip', ['link', 'set', 'eth0', 'mtu', '1400']);
    const found = await diagnose(host, settings({ outside: { interface: 'eth1' } }));
    expect(of('outside', found)).toEqual(['ok: eth1 is up, with an MTU of 1500']);
    expect(of('mtu', found)).toEqual(['warning: eth0 has an MTU of 1400, eth1 one of 1500']);
  } finally {
    await lab.close();
  }
});

describe('rings on one LAN', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  const doctorOn = (host: ClusterHost, ...args: string[]) =>
    examine(host.host, host.node.configFile, { args: ['--listen', '2500ms', ...args] });

  test('with one key: a whole cluster has nothing to complain of', async () => {
    cluster = await Cluster.build({ nodes: 3 });
    await Promise.all(cluster.hosts.map((host) => host.start()));
    await cluster.whole();
    for (const host of cluster.hosts.slice(0, 2)) {
      const found = await doctorOn(host);
      expect(found.findings.filter(({ level }) => level !== 'ok')).toEqual([]);
      expect(of('other-cluster', found)).toEqual(['ok: no other cluster has the address or its virtual MAC']);
      expect(of('ring-key', found)[0]).toMatch(/^ok: 10\.0\.0\.1\d, 10\.0\.0\.1\d speak on port 7400/);
    }
  });

  test('with two keys and one cluster address', async () => {
    cluster = await Cluster.build({ nodes: 2, perNode: (index) => (index === 0 ? {} : { key: OTHER_KEY }) });
    await Promise.all(cluster.hosts.map((host) => host.start()));
    const found = await doctorOn(cluster.hosts[0]);
    expect(of('ring-key', found)).toEqual(['warning: 10.0.0.12 speaks on port 7400 with another key']);
    expect(of('other-cluster', found)).toEqual([
      `error: another dispatcher answers for ${ADDRESS} beside this node`,
    ]);
  });

  test('of which one node has no key', async () => {
    const keyless = { key: null, ring: { insecure: true }, clusterAddress: '10.0.0.200' };
    cluster = await Cluster.build({ nodes: 2, perNode: (index) => (index === 0 ? {} : keyless) });
    await Promise.all(cluster.hosts.map((host) => host.start()));
    expect(of('ring-key', await doctorOn(cluster.hosts[0]))).toEqual([
      'warning: 10.0.0.12 speaks on port 7400 without a key',
    ]);
  });
});
