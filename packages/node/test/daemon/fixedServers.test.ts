import { serverName } from '@ringmaster/dispatch';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { parseIp } from 'libnetraw/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig, type NodeConfig } from '../../src/config/index.js';
import { checkAt, FixedServers } from '../../src/daemon/fixedServers.js';
import type { HostNeighbour } from '../../src/host/index.js';

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 21);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 99);

function parse(servers: string, health = '', head = ''): NodeConfig {
  const text = `
interface: eth0
${head}
ring: { insecure: true }
clusters:
  - address: 10.0.0.100
    mode: l4/3
    gateway: 10.0.0.99
    ports:
      - { port: 80, targetPort: 8080, servers: ${servers} ${health} }
      - { port: 25, servers: [10.0.0.21] }
`;
  const result = parseConfig(text, '/etc/ringmaster.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

let neighbours: HostNeighbour[];
let asked: string[];
let changes: number;
let said: string[];
let watched: FixedServers | undefined;
beforeEach(() => {
  neighbours = [];
  asked = [];
  changes = 0;
  said = [];
});
afterEach(() => watched?.close());

function watch(config: NodeConfig): FixedServers {
  watched = new FixedServers(config, {
    neighbours: () => neighbours,
    ask: (address) => void asked.push(address),
    logger: {
      info: (text: string) => void said.push(text),
      warn: (text: string) => void said.push(text),
    } as never,
    onChange: () => void changes++,
  });
  return watched;
}

const seen = (mac: Uint8Array | undefined, state: HostNeighbour['state'] = 'other'): HostNeighbour => ({
  interface: 'eth0',
  address: '10.0.0.21',
  mac,
  state,
});

describe('servers outside the ring', () => {
  it('are listed once each, unknown at first, and asked for', () => {
    const servers = watch(parse('[10.0.0.21, { address: 10.0.0.22, weight: 3 }]'));
    servers.look();
    expect(servers.table()).toEqual([
      {
        address: 0x0a000015,
        mac: new Uint8Array(6),
        weight: 1,
        active: true,
        local: false,
        fixed: true,
      },
      {
        address: 0x0a000016,
        mac: new Uint8Array(6),
        weight: 3,
        active: true,
        local: false,
        fixed: true,
      },
    ]);
    expect(asked).toEqual(['10.0.0.21', '10.0.0.22']);
  });

  it('are known by what the kernel knows, and asked for again now and then', () => {
    const servers = watch(parse('[10.0.0.21]'));
    neighbours = [seen(MAC)];
    servers.look();
    expect(servers.table()[0].mac).toEqual(MAC);
    expect(changes).toBe(1);
    for (let look = 0; look < 10; look++) servers.look();
    expect(changes).toBe(1);
    expect(asked).toHaveLength(3);
    neighbours = [seen(OTHER)];
    servers.look();
    expect(servers.table()[0].mac).toEqual(OTHER);
    expect(changes).toBe(2);
  });

  it('are gone when nobody answers for them, and back when somebody does; the MAC is kept meanwhile', () => {
    const servers = watch(parse('[10.0.0.21]'));
    neighbours = [seen(MAC)];
    servers.look();
    neighbours = [seen(undefined, 'failed')];
    const states = [1, 2, 3, 4].map(() => (servers.look(), servers.table()[0].active));
    expect(states).toEqual([true, true, false, false]);
    expect(servers.table()[0].mac).toEqual(MAC);
    expect(servers.status()).toEqual([
      {
        address: '10.0.0.21',
        mac: '02:00:00:00:00:15',
        active: false,
        why: 'nobody on the LAN says that it is 10.0.0.21',
      },
    ]);
    expect(asked.filter((address) => address === '10.0.0.21').length).toBeGreaterThanOrEqual(4);
    neighbours = [seen(MAC)];
    servers.look();
    expect(servers.status()[0]).toMatchObject({ active: true, why: null });
    expect(said).toEqual([
      'a server outside the ring fails: no connections for it',
      'a server outside the ring is well again',
    ]);
  });

  it('are of no interest to a node that cannot dispatch', () => {
    expect(watch(parse('[10.0.0.21]', '', 'capabilities: [serve]')).table()).toEqual([]);
  });

  it('have names and addresses of IPv6', () => {
    const config = parse('[10.0.0.21]');
    const [cluster] = config.clusters;
    const [port] = cluster.ports;
    const servers = [{ address: '2001:DB8::21', weight: 2 }];
    const six = { ...config, clusters: [{ ...cluster, ports: [{ ...port, servers }] }] };
    const address = parseIp('2001:db8::21')!;
    expect(watch(six).table()[0]).toMatchObject({ address: serverName(address), address6: address });
  });
});

describe('health of servers outside the ring', () => {
  const HEALTH = { intervalMs: 1000, timeoutMs: 1000, rise: 2, fall: 3 };

  it("is asked for at the server's address and target port", () => {
    const http = { ...HEALTH, http: 'https://127.0.0.1:80/health?x=1' };
    expect(checkAt(http, '10.0.0.21', 8080).http).toBe('https://10.0.0.21:8080/health?x=1');
    expect(checkAt(http, '2001:db8::21', 8080).http).toBe('https://[2001:db8::21]:8080/health?x=1');
    expect(checkAt({ ...HEALTH, tcp: '127.0.0.1:80' }, '10.0.0.21', 8080).tcp).toBe('10.0.0.21:8080');
    expect(checkAt({ ...HEALTH, tcp: '[::1]:80' }, '2001:db8::21', 80).tcp).toBe('[2001:db8::21]:80');
  });

  it('takes them out and back, MAC or none', async () => {
    let server: Server = createServer();
    const listen = (port: number): Promise<number> =>
      new Promise((resolve) =>
        server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
      );
    const port = await listen(0);
    const config = parse('[10.0.0.21]');
    const [cluster] = config.clusters;
    const ports = [
      {
        ...cluster.ports[0],
        targetPort: port,
        servers: [{ address: '127.0.0.1', weight: 1 }],
        health: { tcp: '10.0.0.1:1', intervalMs: 50, timeoutMs: 500, rise: 1, fall: 2 },
      },
    ];
    const servers = watch({ ...config, clusters: [{ ...cluster, ports }] });
    servers.start();
    expect(servers.status()[0].active).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    await expect
      .poll(() => servers.status()[0], { timeout: 10_000 })
      .toMatchObject({
        active: false,
        why: expect.stringContaining(`127.0.0.1:${port}`) as string,
      });
    server = createServer();
    await listen(port);
    await expect.poll(() => servers.status()[0].active, { timeout: 10_000 }).toBe(true);
    expect(changes).toBeGreaterThanOrEqual(2);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('other servers outside the ring from now on', () => {
  const active = (servers: FixedServers): string[] =>
    servers.status().map(({ address, active: is }) => `${address} ${is ? 'active' : 'away'}`);

  it('keep what is known of those that stay, and what is new about them counts', () => {
    neighbours = [seen(MAC)];
    const servers = watch(parse('[10.0.0.21, 10.0.0.22]'));
    servers.start();
    servers.look();
    servers.look();
    expect(active(servers)).toEqual(['10.0.0.21 active', '10.0.0.22 away']);
    const next = parse('[10.0.0.21, 10.0.0.23]');
    const weighed = JSON.parse(
      JSON.stringify(next).replaceAll('"10.0.0.21","weight":1', '"10.0.0.21","weight":7'),
    ) as NodeConfig;
    servers.reconfigure(weighed);
    expect(servers.table().map(({ weight, mac }) => [weight, [...mac]])).toEqual([
      [7, [...MAC]],
      [1, [0, 0, 0, 0, 0, 0]],
    ]);
    expect(active(servers)).toEqual(['10.0.0.21 active', '10.0.0.23 active']);
    expect(asked).toContain('10.0.0.23');
  });

  it('are checked by the new checks, and not by the old ones', async () => {
    const server: Server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
    const config = parse('[10.0.0.21]');
    const [cluster] = config.clusters;
    const health = { tcp: '10.0.0.1:1', intervalMs: 50, timeoutMs: 500, rise: 1, fall: 2 };
    const at = (targetPort: number, checked: boolean): NodeConfig => ({
      ...config,
      clusters: [
        {
          ...cluster,
          ports: [
            {
              ...cluster.ports[0],
              targetPort,
              servers: [{ address: '127.0.0.1', weight: 1 }],
              ...(checked && { health }),
            },
          ],
        },
      ],
    });
    const servers = watch(at(port, true));
    servers.start();
    server.close();
    await expect.poll(() => active(servers)).toEqual(['127.0.0.1 away']);
    servers.reconfigure(at(port, false));
    expect(active(servers)).toEqual(['127.0.0.1 active']);
    servers.reconfigure(at(port, true));
    await expect.poll(() => active(servers)).toEqual(['127.0.0.1 away']);
  });
});
