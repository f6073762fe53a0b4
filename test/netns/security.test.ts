import type { StatusDocument } from '@ringmaster/node';
import { burst, Cluster, nowMs, type ClusterHost, type Host } from '@ringmaster/lab';
import { afterEach, describe, expect, test } from 'vitest';
import { ringOf } from './ringOf.js';

/** Rule R20: who has not the key is not heard. */

const OTHER_ADDRESS = '10.0.0.200';
/** Base64 of 32 bytes that are no pattern. */
const OTHER_KEY = 'q3Jc0u8mWlF5tQ2sX9bZr1VnKp4yHd7eTgA6iOjC0hM=\n';

let cluster: Cluster;
afterEach(() => cluster.close());

const membersOf = async ({ node }: ClusterHost) =>
  (await node.status()).ring.members.filter(({ active }) => active).map(({ address }) => address);

const addresses = (hosts: readonly ClusterHost[]) => hosts.map(({ address }) => address);

/** Asks again and again for a while, so that a short mixing would be seen. */
async function neverMixes(groups: readonly (readonly ClusterHost[])[], forMs: number): Promise<void> {
  const until = nowMs() + forMs;
  while (nowMs() < until) {
    for (const group of groups) {
      for (const host of group) expect(await membersOf(host)).toEqual(addresses(group));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function become(groups: readonly (readonly ClusterHost[])[]): Promise<void> {
  for (const group of groups) {
    for (const host of group) {
      await expect.poll(() => membersOf(host), { timeout: 20_000 }).toEqual(addresses(group));
    }
  }
}

describe('who has another key', () => {
  test('two clusters with different keys on one LAN never mix, and each serves its own address', async () => {
    cluster = await Cluster.build({
      perNode: (index) => (index < 2 ? {} : { key: OTHER_KEY, clusterAddress: OTHER_ADDRESS }),
    });
    const groups = [cluster.hosts.slice(0, 2), cluster.hosts.slice(2)];
    await Promise.all(cluster.hosts.map((host) => host.start()));
    await become(groups);
    await neverMixes(groups, 2000);
    const mine = await burst(cluster.client, cluster.target, { count: 100 });
    const others = await burst(cluster.client, `${OTHER_ADDRESS}:80`, { count: 100 });
    expect([mine.failed, others.failed]).toEqual([0, 0]);
    expect([Object.keys(mine.servers).sort(), Object.keys(others.servers).sort()]).toEqual([
      ['n1', 'n2'],
      ['n3', 'n4'],
    ]);
  });

  test('a node without a key is never admitted', async () => {
    const keyless = { key: null, ring: { insecure: true }, clusterAddress: OTHER_ADDRESS };
    cluster = await Cluster.build({ nodes: 3, perNode: (index) => (index === 0 ? keyless : {}) });
    const [intruder, ...members] = cluster.hosts;
    await Promise.all(cluster.hosts.map((host) => host.start()));
    await become([[intruder], members]);
    await neverMixes([[intruder], members], 2000);
  });
});

describe('packets of a stranger on the LAN', () => {
  /** Records what it hears on the ring port, then sends it again: as it was, bent, cut, too long, and pure noise. */
  const STRANGER = (victims: readonly string[]) => `
    const { randomBytes, randomInt } = require('node:crypto');
    const heard = [], strangers = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });
    const ownPort = require('node:dgram').createSocket('udp4');
    let answers = 0;
    strangers.on('message', (packet, { address }) => {
      if (address !== '10.0.0.66' && packet.length > 0 && heard.length < 100) heard.push(packet);
    });
    ownPort.on('message', () => answers++);
    const bend = (packet) => {
      const bent = Buffer.from(packet);
      bent[randomInt(bent.length)] ^= 1 << randomInt(8);
      return bent;
    };
    const shapes = [
      () => randomBytes(randomInt(1, 600)), () => Buffer.alloc(0), () => randomBytes(8000),
      (packet) => packet, bend, (packet) => packet.subarray(0, randomInt(packet.length)),
      (packet) => Buffer.concat([packet, randomBytes(200)]),
    ];
    async function attack() {
      for (let i = 0; i < 8000; i++) {
        const packet = heard[i % (heard.length || 1)] ?? randomBytes(60);
        const shape = shapes[i % shapes.length](packet);
        for (const to of ${JSON.stringify(victims)}) {
          await new Promise((done) => ownPort.send(shape, 7400, to, done));
        }
        if (i % 20 === 0) await new Promise((done) => setTimeout(done, 2));
      }
      setTimeout(() => { console.log(JSON.stringify({ heard: heard.length, answers })); process.exit(0); }, 500);
    }
    strangers.bind(7400, () => { console.log('listening'); });
    ownPort.bind(0, () => ownPort.setBroadcast(true));
    setTimeout(attack, 4000);`;

  /** Ring packets that were counted and dropped, for whatever reason. */
  const refused = ({ counters }: StatusDocument) => {
    const { packetsMalformed } = counters['ring'] as Record<string, number>;
    const reasons = Object.values(counters['ringRefused'] as Record<string, number>);
    return reasons.reduce((sum, count) => sum + count, packetsMalformed);
  };

  test('are dropped: nobody answers, no node is disturbed, the ring stays as it is', async () => {
    cluster = await Cluster.build({ nodes: 3 });
    const stranger: Host = await cluster.lab.host('stranger', { lan: cluster.lan, address: '10.0.0.66/24' });
    const victims = [...addresses(cluster.hosts), '10.0.0.255'];
    const attack = stranger.spawn(process.execPath, ['-e', STRANGER(victims)]);
    await attack.waitForLine((line) => line === 'listening', 10_000);
    await Promise.all(cluster.hosts.map((host) => host.start()));
    const before = await cluster.whole();
    const told = await attack.waitForLine((line) => line.startsWith('{'), 60_000);
    const { heard, answers } = JSON.parse(told) as { heard: number; answers: number };
    expect(heard).toBeGreaterThan(0); // else there was nothing to bend
    expect(answers).toBe(0);
    const after = await cluster.whole();
    expect(ringOf(after)).toEqual(ringOf(before));
    expect(refused(after)).toBeGreaterThan(refused(before) + 1000);
    expect(cluster.living).toHaveLength(3);
    const { servers, failed } = await burst(cluster.client, cluster.target, { count: 60 });
    expect(failed).toBe(0);
    expect(Object.keys(servers).sort()).toEqual(['n1', 'n2', 'n3']);
  });
});
