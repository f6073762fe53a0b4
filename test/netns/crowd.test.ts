import { Cluster, HeldConnections, synFlood, waitForDispatcher } from '@ringmaster/lab';
import { afterEach, describe, expect, test } from 'vitest';

/** Many connections, and many that want to be: rows S4, S9 and N2 in their full size, and the map under a SYN flood. */

const MODES = ['l4/2', 'l4/3'] as const;
const CONNECTIONS = 10_000;
/** A connection is pinged every `interval` ms, and counts as stalled while it is not answered for `stalled` ms. */
const PACE = { interval: 4000, stalled: 2500 };
/** Every connection has been asked when this has passed. */
const WATCHED_MS = PACE.interval + 1000;
/** For how long TCP may repeat, on a busy machine, what the death of the dispatcher has cost. A lost connection never answers. */
const PATIENCE_MS = 60_000;
const FLOOD_SECONDS = 10;
/** In a flood connections are asked more often, and a few lost segments in a row already count as a harm. */
const FLOOD_PACE = { interval: 500, stalled: 4000 };

let cluster: Cluster;
afterEach(() => cluster.close());

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const watch = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident memory of a process and its threads, in bytes. */
async function memoryBytes(pid: number): Promise<number> {
  const status = await cluster.client.exec('cat', [`/proc/${pid}/status`]);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status.stdout)?.[1]) * 1024;
}

describe.each(MODES)('%s', (mode) => {
  test(`${CONNECTIONS} connections, and the dispatcher is killed: none is lost that lives on a survivor`, async () => {
    cluster = await Cluster.raise({ mode, nodes: 4 });
    const held = await HeldConnections.open(cluster.client, cluster.target, {
      connections: CONNECTIONS,
      ...PACE,
    });
    const [victim, ...others] = cluster.hosts;
    const placed = sum(others.map(({ name }) => held.placed[name] ?? 0));
    expect(placed + held.placed[victim.name]).toBe(CONNECTIONS);
    expect(placed).toBeGreaterThan(CONNECTIONS / 2);

    await victim.kill();
    const { status } = await waitForDispatcher(others);
    expect(status.address).toBe(others[0].address);
    await watch(WATCHED_MS);
    const alive = async () => {
      const { servers } = await held.state();
      return sum(others.map(({ name }) => servers[name].alive));
    };
    await expect.poll(alive, { timeout: PATIENCE_MS, interval: 1000 }).toBe(placed);
    const harms = held.harms.filter(({ server }) => server !== victim.name);
    expect(harms.filter(({ harm }) => harm !== 'stalled')).toEqual([]);
    console.log(`${mode}: of ${placed} connections ${harms.length} waited longer than ${PACE.stalled} ms`);
    expect((await cluster.whole()).connections.established).toBeGreaterThanOrEqual(placed);
  });

  test('1,000 connections, and a SYN flood at full speed: none is lost, and the map stays in bounds', async () => {
    const maxConnections = 65_536;
    const established = 1000;
    cluster = await Cluster.raise({ mode, nodes: 3, settings: { maxConnections } });
    const { client, lab, wan, target, hosts } = cluster;
    // Nobody is where the flood claims to come from: without this the router would tell the servers so.
    await cluster.router.exec('ip', ['route', 'add', 'blackhole', '198.18.0.0/15']);
    const attacker = await lab.host('attacker', { lan: wan, address: '10.9.0.66/24', gateway: '10.9.0.1' });
    const held = await HeldConnections.open(client, target, { connections: established, ...FLOOD_PACE });
    const { pid } = hosts[0].node.process;
    const before = await memoryBytes(pid);

    const flood = await synFlood(attacker, target, { count: 1e9, seconds: FLOOD_SECONDS });
    expect(flood.sent).toBeGreaterThan(2 * maxConnections);
    const { connections } = await hosts[0].node.status();
    expect(connections.total).toBeLessThanOrEqual(maxConnections);
    expect(connections.established).toBeGreaterThanOrEqual(established);
    expect((await memoryBytes(pid)) - before).toBeLessThan(100 * 1024 * 1024);
    await watch(FLOOD_PACE.interval + FLOOD_PACE.stalled);
    expect(held.harms).toEqual([]);
    expect(sum(Object.values((await held.state()).servers).map(({ alive }) => alive))).toBe(established);
    const longestMs = Math.max(...Object.values(held.takeLongestSilenceMs()));
    console.log(
      `SYN flood, ${mode}: ${flood.sent} in ${Math.round(flood.tookMs)} ms; longest silence of a connection ${Math.round(longestMs)} ms`,
    );
  });
});
