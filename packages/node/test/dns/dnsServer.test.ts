import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Zone } from '../../src/dns/answer.js';
import { startDnsServer, type DnsServer } from '../../src/dns/dnsServer.js';

let server: DnsServer | undefined;
afterEach(() => server?.close());

let zone: Zone = { name: 'www.example.org', ttlS: 5, addresses: ['10.0.0.100', '10.0.0.101', 'fd00::100'] };

async function resolver(): Promise<Resolver> {
  server = await startDnsServer({ host: '127.0.0.1', port: 0 }, () => zone);
  const asking = new Resolver({ timeout: 2000, tries: 2 });
  asking.setServers([`127.0.0.1:${server.port}`]);
  return asking;
}

it('answers a real resolver, with what is alive at that moment', async () => {
  const asking = await resolver();
  expect((await asking.resolve4('www.example.org')).sort()).toEqual(['10.0.0.100', '10.0.0.101']);
  expect(await asking.resolve6('www.example.org')).toEqual(['fd00::100']);
  zone = { ...zone, addresses: ['10.0.0.101'] };
  expect(await asking.resolve4('www.example.org')).toEqual(['10.0.0.101']);
  await expect(asking.resolve6('www.example.org')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(asking.resolve4('mail.example.org')).rejects.toMatchObject({ code: 'EREFUSED' });
});

it('answers over TCP what a datagram does not take', async () => {
  zone = { ...zone, addresses: Array.from({ length: 64 }, (_, i) => `10.0.2.${i}`) };
  const asking = await resolver();
  expect(await asking.resolve4('www.example.org')).toHaveLength(64);
});

it('ends conversations in which nobody asks, or asks nonsense, and goes on', async () => {
  const asking = await resolver();
  const said = (bytes: Uint8Array): Promise<number> =>
    new Promise((resolve) => {
      let received = 0;
      const socket = connect(server!.port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (data) => (received += data.length));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(received));
    });
  expect(await said(Uint8Array.of(0, 5, 1, 2, 3, 4, 5))).toBe(0);
  expect(await said(Uint8Array.of(255, 255, 1))).toBe(0);
  expect(await said(Uint8Array.of(0))).toBe(0);
  expect(await asking.resolve4('www.example.org')).not.toHaveLength(0);
});

it('says why it cannot listen', async () => {
  await resolver();
  await expect(startDnsServer({ host: '127.0.0.1', port: server!.port }, () => zone)).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
