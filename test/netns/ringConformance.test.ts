import { randomBytes } from 'node:crypto';
import { Lab, type Host } from '@ringmaster/lab';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openChannel, type Channel } from './channel.js';

/**
 * What every transport of the ring has to do, shown with real processes on real links: the same tests over UDP and over
 * Ethernet (S12), sealed and insecure. The hosts' MACs are in the opposite order of their IPv4 addresses.
 */

const WITHIN = { timeout: 15_000 };

interface Told {
  readonly place: { phase: string; nun: number; ndn: number; smallest: number; greatest: number };
  readonly id: number;
  readonly createdAt: number;
  readonly dispatcher: number;
  readonly others: readonly { address: number; id: number }[];
  readonly counters: Readonly<Record<string, number>>;
  readonly drops: Readonly<Record<string, number>>;
  readonly socket: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** A member in a process of its own. */
interface Member {
  readonly address: number;
  readonly channel: Channel;
  tell(): Promise<Told>;
}

let lab: Lab;
let hosts: Host[];
let stranger: Host;
const open: Channel[] = [];

beforeAll(async () => {
  lab = await Lab.create();
  const lan = await lab.lan('lan', '10.0.0.0/24');
  hosts = [];
  for (let i = 1; i <= 4; i++) {
    const host = await lab.host(`n${i}`, { lan, address: `10.0.0.${10 + i}/24` });
    const mac = `02:00:00:00:00:${50 - i}`;
    expect((await host.exec('ip', ['link', 'set', 'eth0', 'address', mac])).code).toBe(0);
    hosts.push(host);
  }
  stranger = await lab.host('stranger', { lan, address: '10.0.0.66/24' });
});
afterEach(() => Promise.all(open.splice(0).map((channel) => channel.close())));
afterAll(() => lab.close());

function run(host: Host, program: string, prefix: readonly string[] = []): Channel {
  const channel = openChannel(host, program, prefix);
  open.push(channel);
  return channel;
}

const tellAll = (members: readonly Member[]) => Promise.all(members.map((member) => member.tell()));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const sum = (told: readonly Told[], of: (each: Told) => number | undefined) =>
  told.reduce((total, each) => total + (of(each) ?? 0), 0);

/** What members in this order say when they are one ring. */
function ringOf(order: readonly Member[]) {
  const addresses = order.map(({ address }) => address);
  const count = addresses.length;
  return addresses.map((address, i) => ({
    phase: 'member',
    nun: addresses[(i + count - 1) % count],
    ndn: addresses[(i + 1) % count],
    smallest: addresses[0],
    greatest: addresses[count - 1],
    others: addresses.filter((other) => other !== address),
    dispatcher: addresses[0],
    ids: count,
    rings: 1,
  }));
}

/** Waits until these members, in their order, are one ring: neighbours, ids, dispatcher. Returns what they say. */
async function become(order: readonly Member[]): Promise<Told[]> {
  let told: Told[] = [];
  const shape = async () => {
    told = await tellAll(order);
    const ids = new Set(told.map(({ id }) => id).filter((id) => id > 0)).size;
    const rings = new Set(told.map(({ createdAt }) => createdAt)).size;
    return told.map(({ place, others, dispatcher }) => {
      const addresses = others.map(({ address }) => address).sort((one, other) => one - other);
      return { ...place, others: addresses, dispatcher, ids, rings };
    });
  };
  await expect.poll(shape, WITHIN).toEqual(ringOf(order));
  expect(told.flatMap(({ failures }) => failures)).toEqual([]);
  return told;
}

type Transport = 'udp' | 'ethernet';

async function start(transport: Transport, host: Host, key: Buffer | undefined): Promise<Member> {
  const channel = run(host, 'member.mjs');
  const address = await channel.call<number>('start', transport, host.address, key);
  return { address, channel, tell: () => channel.call<Told>('tell') };
}

/** The hosts in the order that the transport gives them. */
const inOrder = (transport: Transport) => (transport === 'udp' ? hosts : [...hosts].reverse());

const startAll = (transport: Transport, key: Buffer | undefined, count = 4) =>
  Promise.all(
    inOrder(transport)
      .slice(0, count)
      .map((host) => start(transport, host, key)),
  );

const RINGS = (['udp', 'ethernet'] as const).flatMap((transport) => [
  { transport, security: 'sealed', key: randomBytes(32) },
  { transport, security: 'insecure', key: undefined },
]);

describe.each(RINGS)('a $security ring over $transport', ({ transport, key }) => {
  test('four members join, ordered by address, each with an id of its own, and the heartbeat goes on', async () => {
    const members = await startAll(transport, key);
    const before = await become(members);
    expect(members.map(({ address }) => address)).toEqual(
      [...members].map(({ address }) => address).sort((one, other) => one - other),
    );
    const rounds = 10;
    await expect
      .poll(async () => {
        const after = await tellAll(members);
        const seen = after.map((told, i) => {
          const counter = i === 0 ? 'heartbeatsReturned' : 'heartbeatsSeen';
          return told.counters[counter] - before[i].counters[counter];
        });
        return Math.min(...seen);
      }, WITHIN)
      .toBeGreaterThanOrEqual(rounds);
    const after = await become(members);
    expect(after.map(({ createdAt }) => createdAt)).toEqual(before.map(({ createdAt }) => createdAt));
  });

  test('one is killed: the ring closes without a purge; it comes back: the ring opens for it', async () => {
    const members = await startAll(transport, key);
    const before = await become(members);
    const [first, second, victim, last] = members;
    await victim.channel.close();
    const closed = await become([first, second, last]);
    expect(closed[0].createdAt).toBe(before[0].createdAt);
    expect(sum(closed, ({ counters }) => counters.purges)).toBe(
      sum([before[0], before[1], before[3]], ({ counters }) => counters.purges),
    );
    expect(sum(closed, ({ counters }) => counters.repairs)).toBeGreaterThan(0);
    const back = await start(transport, inOrder(transport)[2], key);
    const whole = await become([first, second, back, last]);
    expect(whole[0].createdAt).toBe(before[0].createdAt);
  });

  test('two neighbours are killed at once: the ring is purged, and the survivors are a new one', async () => {
    const members = await startAll(transport, key);
    const before = await become(members);
    const [first, second, third, last] = members;
    await Promise.all([second.channel.close(), third.channel.close()]);
    const after = await become([first, last]);
    expect(after[0].createdAt).not.toBe(before[0].createdAt);
    expect(sum(after, ({ counters }) => counters.purges)).toBeGreaterThan(0);
  });

  test('one leaves and enters again: nobody else is disturbed', async () => {
    const members = await startAll(transport, key);
    const before = await become(members);
    const [first, ...others] = members;
    await first.channel.call('leave');
    const without = await become(others);
    await first.channel.call('enter');
    const whole = await become(members);
    expect([...without, ...whole].map(({ createdAt }) => createdAt)).toEqual(
      [...others, ...members].map(() => before[0].createdAt),
    );
    for (const counter of ['purges', 'repairs']) {
      expect(sum(whole, ({ counters }) => counters[counter])).toBe(
        sum(before, ({ counters }) => counters[counter]),
      );
    }
  });

  test('one is stopped for a second: the others close the ring, and it returns without accusing anybody', async () => {
    const members = await startAll(transport, key);
    const before = await become(members);
    const [first, sleeper, ...others] = members;
    process.kill(sleeper.channel.pid, 'SIGSTOP');
    await become([first, ...others]);
    await pause(1000);
    process.kill(sleeper.channel.pid, 'SIGCONT');
    const whole = await become(members);
    expect(whole.map(({ createdAt }) => createdAt)).toEqual(before.map(({ createdAt }) => createdAt));
    expect(whole[1].counters.repairs).toBe(before[1].counters.repairs);
  });

  test("one's cable is pulled and put back: two rings, and then one again", async () => {
    const members = await startAll(transport, key);
    await become(members);
    const [first, ...others] = members;
    const [host] = inOrder(transport);
    await host.unplug();
    await become([first]);
    await become(others);
    await host.plug();
    await become(members);
  });

  test('an interface goes down and up again: its member is back in the ring', async () => {
    const members = await startAll(transport, key);
    await become(members);
    const host = inOrder(transport)[1];
    const link = (state: string) => host.exec('ip', ['link', 'set', 'eth0', state]);
    expect((await link('down')).code).toBe(0);
    await become([members[0], members[2], members[3]]);
    expect((await link('up')).code).toBe(0);
    await become(members);
  });

  test('garbage is counted and without effect', async () => {
    const members = await startAll(transport, key, 3);
    const before = await become(members);
    const noise = run(stranger, 'stranger.mjs');
    await noise.call('open', transport);
    await noise.call('garbage', 500);
    await noise.call('nonsense', 500);
    const refused = (told: Told) =>
      Object.values(told.drops).reduce((total, count) => total + count, 0) +
      told.counters.packetsMalformed +
      told.counters.messagesMalformed +
      told.socket.malformed;
    const counted = async () => {
      const after = await tellAll(members);
      return Math.min(...after.map((told, i) => refused(told) - refused(before[i])));
    };
    await expect.poll(counted, WITHIN).toBeGreaterThan(900);
    const after = await become(members);
    expect(after.map(({ createdAt }) => createdAt)).toEqual(before.map(({ createdAt }) => createdAt));
  });
});

describe.each(RINGS.filter(({ key }) => key !== undefined))(
  'a ring over $transport with a key',
  ({ transport, key }) => {
    /** The fourth host starts with another key, or none. */
    test.each([
      ['another key', randomBytes(32), 'notAuthentic'],
      ['no key', undefined, 'notSealed'],
    ])('never admits who has %s', async (_, foreignKey, reason) => {
      const members = await startAll(transport, key, 3);
      await become(members);
      const foreigner = await start(transport, inOrder(transport)[3], foreignKey);
      await become([foreigner]); // a ring of one
      await pause(1500); // more than a beacon of each
      await become([foreigner]);
      const told = await become(members);
      for (const { drops } of told) expect(drops[reason]).toBeGreaterThan(0);
    });

    test('refuses packets that it has heard before', async () => {
      const members = await startAll(transport, key, 3);
      const noise = run(stranger, 'stranger.mjs');
      await noise.call('open', transport);
      const before = await become(members);
      await pause(1500); // a beacon of each
      expect(await noise.call<number>('replay', 20)).toBeGreaterThan(0);
      const replays = async () =>
        Math.min(
          ...(await tellAll(members)).map(({ drops }) => (drops.replayed ?? 0) + (drops.ownPacket ?? 0)),
        );
      await expect.poll(replays, WITHIN).toBeGreaterThanOrEqual(20);
      const after = await become(members);
      expect(sum(after, ({ drops }) => drops.replayed)).toBeGreaterThan(0);
      expect(after.map(({ createdAt }) => createdAt)).toEqual(before.map(({ createdAt }) => createdAt));
    });
  },
);

describe('the socket for frames', () => {
  test('keeps a bounded number of packets for a member that does not look, and counts the others', async () => {
    const member = await start('ethernet', hosts[0], undefined);
    await become([member]);
    const noise = run(stranger, 'stranger.mjs');
    await noise.call('open', 'ethernet');
    const stalled = member.channel.call('stall', 3000);
    await noise.call('nonsense', 2000);
    await stalled;
    const figures = async () => {
      const { socket, counters } = await member.tell();
      return { taken: counters.messagesMalformed > 500, counted: socket.overrun > 100 };
    };
    await expect.poll(figures, WITHIN).toEqual({ taken: true, counted: true });
    await become([member]);
  });

  test('says what is missing without the right to open packet sockets', async () => {
    const prefix = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
    const channel = run(hosts[0], 'member.mjs', prefix);
    await expect(channel.call('start', 'ethernet', hosts[0].address)).rejects.toMatchObject({
      code: 'EPERM',
    });
  });
});
