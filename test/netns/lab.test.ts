import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, startBulkService, Transfer, type Host, type Lan } from '@ringmaster/lab';

/** The faults that the lab offers must be real: every other end-to-end test leans on them. */

let lab: Lab;
let lan: Lan;
let client: Host;
let a: Host;
let b: Host;

const ECHO = `
  const server = require('node:http').createServer((request, response) => response.end('here'));
  server.listen(8080, '0.0.0.0', () => console.log('listening'));`;

const ASK = (address: string) => `
  const request = require('node:http').get({ host: '${address}', port: 8080, timeout: 700 }, (response) => {
    response.on('data', (data) => console.log(String(data))).on('end', () => process.exit(0));
  });
  request.on('timeout', () => { console.log('timeout'); process.exit(1); });
  request.on('error', (error) => { console.log(error.code); process.exit(1); });`;

const UDP_ECHO = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(9000, () => console.log('listening'));`;

const UDP_COUNT = (address: string, packets: number) => `
  const socket = require('node:dgram').createSocket('udp4');
  let sent = 0, back = 0;
  socket.on('message', () => back++);
  const timer = setInterval(() => {
    if (sent++ < ${packets}) return socket.send('x', 9000, '${address}');
    clearInterval(timer);
    setTimeout(() => { console.log(back); socket.close(); }, 300);
  }, 2);`;

const node = (host: Host, script: string) => host.exec(process.execPath, ['-e', script]);

const answers = async (from: Host, to: Host) => (await node(from, ASK(to.address))).stdout.trim();

/** A refusal also shows that packets go there and back. */
const reaches = async (from: Host, to: Host) => ['here', 'ECONNREFUSED'].includes(await answers(from, to));

beforeAll(async () => {
  lab = await Lab.create();
  lan = await lab.lan('lan', '10.0.0.0/24');
  const wan = await lab.lan('wan', '10.9.0.0/24');
  await lab.router('router', [lan, wan]);
  client = await lab.host('client', { lan: wan, address: '10.9.0.2/24', gateway: '10.9.0.1' });
  a = await lab.host('a', { lan, address: '10.0.0.11/24', gateway: '10.0.0.1' });
  b = await lab.host('b', { lan, address: '10.0.0.12/24', gateway: '10.0.0.1' });
});

afterAll(() => lab.close());

describe('hosts', () => {
  test('are reached through the router, and do not forward themselves', async () => {
    expect(await reaches(client, a)).toBe(true);
    expect((await a.exec('cat', ['/proc/sys/net/ipv4/ip_forward'])).stdout.trim()).toBe('0');
  });

  test('have the MAC that they say, and a loopback of their own', async () => {
    const { stdout } = await a.exec('ip', ['-j', 'addr']);
    const links = JSON.parse(stdout) as { ifname: string; address: string; operstate: string }[];
    expect(links.find(({ ifname }) => ifname === 'eth0')?.address).toBe(a.mac);
    await a.addAddress('10.0.0.100/32', 'lo');
    expect((await b.exec('ip', ['addr', 'show', 'lo'])).stdout).not.toContain('10.0.0.100');
    await a.deleteAddress('10.0.0.100/32', 'lo');
  });
});

describe('processes', () => {
  test('killed: the port refuses', async () => {
    const service = a.spawn(process.execPath, ['-e', ECHO]);
    await service.waitForLine((line) => line === 'listening', 10_000);
    expect(await answers(client, a)).toBe('here');
    service.kill('SIGKILL');
    expect(await service.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await answers(client, a)).toBe('ECONNREFUSED');
  });

  test('paused: connections are taken but not answered, until resumed', async () => {
    const service = a.spawn(process.execPath, ['-e', ECHO]);
    await service.waitForLine((line) => line === 'listening', 10_000);
    service.pause();
    expect(await answers(client, a)).toBe('timeout');
    service.resume();
    expect(await answers(client, a)).toBe('here');
    await service.stop();
  });

  test('that end before they say what was awaited are reported with what they said', async () => {
    const failing = a.spawn('sh', ['-c', 'echo no such thing >&2; exit 3']);
    const outcome = failing.waitForLine((line) => line === 'ready', 10_000);
    await expect(outcome).rejects.toMatchObject({
      code: 'processExited',
      message: expect.stringMatching(/no such thing/),
    });
  });
});

describe('faults of the network', () => {
  test('unplugged: the host is silent and sees that the cable is out', async () => {
    await a.unplug();
    expect(await reaches(b, a)).toBe(false);
    expect((await a.exec('cat', ['/sys/class/net/eth0/carrier'])).stdout.trim()).toBe('0');
    await a.plug();
    await expect.poll(() => reaches(b, a), { timeout: 10_000 }).toBe(true);
  });

  test('partition: the groups do not hear each other, the first keeps the router; healed: all do', async () => {
    await lan.partition([a], [b]);
    expect(await Promise.all([reaches(a, b), reaches(b, a)])).toEqual([false, false]);
    expect(await reaches(client, a)).toBe(true);
    expect(await reaches(client, b)).toBe(false);
    await lan.heal();
    await expect.poll(() => reaches(a, b), { timeout: 10_000 }).toBe(true);
    await expect.poll(() => reaches(client, b), { timeout: 10_000 }).toBe(true);
  });

  test.runIf(process.env['CI'] !== undefined || existsSync('/usr/sbin/nft'))(
    'loss: about the asked share of packets goes',
    async () => {
      expect(await reaches(b, a)).toBe(true);
      await lan.loss(a, 30);
      const echo = a.spawn(process.execPath, ['-e', UDP_ECHO]);
      await echo.waitForLine((line) => line === 'listening', 10_000);
      const back = Number((await node(b, UDP_COUNT(a.address, 500))).stdout);
      // It is lost on the way there or back: 0.7 * 0.7 = 49 % arrive; the bounds are 5 standard deviations away.
      expect(back).toBeGreaterThan(190);
      expect(back).toBeLessThan(300);
      await lan.loss(a, 0);
      expect(Number((await node(b, UDP_COUNT(a.address, 100))).stdout)).toBe(100);
      await echo.stop();
    },
  );
});

describe('two families', () => {
  let dual: Lab;
  let inside: Lan;
  let outside: Lan;
  let router: Host;
  let c: Host;
  let d: Host;

  beforeAll(async () => {
    dual = await Lab.create();
    inside = await dual.lan('inside', '10.3.0.0/24', 'fd00:3::/64');
    outside = await dual.lan('outside', '10.4.0.0/24', 'fd00:4::/64');
    router = await dual.router('router', [inside, outside]);
    c = await dual.host('c', { lan: inside, address: '10.3.0.11/24', gateway: '10.3.0.1' });
    const more = [{ lan: inside, address: '10.3.0.12/24' }];
    d = await dual.host('d', { lan: outside, address: '10.4.0.12/24', gateway: '10.4.0.1', more });
    await startBulkService(d, 9000, ['10.4.0.12', 'fd00:4::12']);
  });
  afterAll(() => dual.close());

  /** 10 MB from c to d and back; returns how many packets left c. */
  async function carry(protocol: 'tcp' | 'udp', target: string): Promise<number> {
    const packets = async () =>
      Number((await c.exec('cat', ['/sys/class/net/eth0/statistics/tx_packets'])).stdout);
    const before = await packets();
    const outcome = await new Transfer(c, target, { protocol }).outcome();
    expect(outcome).toMatchObject({ servers: ['d'], intact: true });
    return (await packets()) - before;
  }

  test.each(['10.4.0.12:9000', '[fd00:4::12]:9000'])(
    '10 MB go to %s and back over the router',
    async (target) => {
      await carry('tcp', target);
      await carry('udp', target);
    },
  );

  test('a second card has addresses of its own', async () => {
    expect([d.nicOn(outside), d.nicOn(inside)]).toEqual(['eth0', 'eth1']);
    const { stdout } = await d.exec('ip', ['-o', 'addr', 'show', 'dev', 'eth1', 'scope', 'global']);
    expect(stdout).toContain('10.3.0.12/24');
    expect(stdout).toContain('fd00:3::12/64');
  });

  test('offloads on: frames are larger than the MTU; off: none is', async () => {
    const inPackets = 10_000_000 / 1460;
    expect(await carry('tcp', '10.4.0.12:9000')).toBeLessThan(inPackets / 2);
    await c.setOffloads(false);
    expect(await carry('tcp', '10.4.0.12:9000')).toBeGreaterThan(inPackets);
    await c.setOffloads(true);
    expect(await carry('tcp', '10.4.0.12:9000')).toBeLessThan(inPackets / 2);
  });

  test.each([
    ['10.4.0.12', '10.4.0.12:9000'],
    ['fd00:4::12', '[fd00:4::12]:9000'],
  ])('a narrow way to %s: the router says so, and TCP sends smaller packets', async (address, target) => {
    await router.limitMtu(outside, 1300);
    await carry('tcp', target);
    expect((await c.exec('ip', ['route', 'get', address])).stdout).toContain('mtu 1300');
    await router.limitMtu(outside, undefined);
  });
});

test('power off: processes are gone without a word to their peers', async () => {
  const service = b.spawn(process.execPath, ['-e', ECHO]);
  await service.waitForLine((line) => line === 'listening', 10_000);
  await b.powerOff();
  expect(b.processes).toEqual([]);
  expect(await answers(client, b)).not.toBe('ECONNREFUSED');
  await b.plug();
  await expect.poll(() => answers(client, b), { timeout: 10_000 }).toBe('ECONNREFUSED');
});

test('a lab that is killed with SIGKILL leaves no process behind', async () => {
  const enter = new URL('../../packages/lab/dist/enter.js', import.meta.url).pathname;
  // Inside a lab, `enter` would use the present world; without /run it makes one of its own.
  const world = ['--mount', 'sh', '-c', 'umount -l /run; exec "$@"', 'x', process.execPath, enter];
  const mark = String(400_000 + process.pid);
  const outer = spawn('unshare', [...world, 'sh', '-c', `sleep ${mark} & echo up; wait`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => outer.stdout.once('data', resolve));
  const sleeping = async () => (await client.exec('sh', ['-c', 'cat /proc/[0-9]*/cmdline'])).stdout;
  expect(await sleeping()).toContain(`sleep\0${mark}`);
  outer.kill('SIGKILL');
  await expect.poll(sleeping, { timeout: 5000 }).not.toContain(`sleep\0${mark}`);
});
