import { Lab, ringmaster, startNode, type Host, type RingmasterNode } from '@ringmaster/lab';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answersIn, conversation, converse } from '../../packages/node/test/control/conversations.js';
import { settings } from './examining.js';

/** The control API of a whole node, over its socket and over TCP: for those who ask properly, and for those who do not. */

const TOKEN = 'only-for-this-test';
const PORT = 7481;
const tls = (name: string): string =>
  fileURLToPath(new URL(`../../packages/cli/test/tls/${name}`, import.meta.url));

let lab: Lab;
let host: Host;
let tokenFile: string;
beforeEach(async () => {
  lab = await Lab.create();
  host = await lab.host('n1', { lan: await lab.lan('lan', '10.0.0.0/24'), address: '10.0.0.11/24' });
  tokenFile = join(host.directory, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
});
afterEach(() => lab.close());

/** A node that is open over TCP, with these settings of `control` as well. */
const start = (more: object = {}): Promise<RingmasterNode> => {
  const socket = join(host.directory, 'ringmaster.sock');
  const control = { socket, listen: `127.0.0.1:${PORT}`, tokenFile, ...more };
  return startNode(host, settings({ control }));
};

test('the command line asks a node over TLS, with its token and a certificate', async () => {
  await start({
    tls: { certificate: tls('node.pem'), key: tls('node.key'), clientCa: tls('authority.pem') },
  });
  const place = ['--url', `https://127.0.0.1:${PORT}`, '--ca', tls('authority.pem')];
  const own = ['--cert', tls('operator.pem'), '--key', tls('operator.key')];
  const ask = (...args: string[]) => ringmaster(host, ...args, ...place, ...own, '--token-file', tokenFile);
  const { code, stdout, stderr } = await ask('status', '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ address: '10.0.0.11' });
  expect((await ask('drain', '10.0.0.11')).stdout).toContain('takes no new connections');
  expect((await ask('members')).stdout).toMatch(/10\.0\.0\.11.*drain/);
  expect((await ask('events', '--no-follow')).stdout).toContain('this node is drained');
  expect((await ask('watch', '--once')).stdout).toContain('10.0.0.11');
  expect((await ask('undrain', '10.0.0.11')).code).toBe(0);
  const stranger = await ringmaster(host, 'drain', '10.0.0.11', ...place, '--token-file', tokenFile);
  expect([stranger.code, stranger.stdout]).toEqual([1, '']);
  expect(stranger.stderr).toMatch(/certificate/);
});

/** The TCP port of the host as a Unix socket: the test itself is on no host. */
const FORWARDER = `
  const { connect, createServer } = require('node:net');
  const [, path, port] = process.argv;
  createServer({ allowHalfOpen: true }, (from) => {
    const to = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    from.pipe(to).pipe(from);
    for (const [end, other] of [[from, to], [to, from]])
      end.on('error', () => undefined).on('close', () => other.destroy());
  }).listen(path, () => console.log('listens'));
`;

test('a node answers whatever is sent to it, and goes on', async () => {
  const node = await start();
  const path = join(host.directory, 'tcp.sock');
  const forwarder = host.spawn(process.execPath, ['-e', FORWARDER, path, String(PORT)]);
  await forwarder.waitForLine((line) => line === 'listens', 20_000);
  const doors = [
    { path: join(host.directory, 'ringmaster.sock'), own: [], allowed: [200, 400, 404, 405, 409, 413, 503] },
    { path, own: [`authorization: Bearer ${TOKEN}`], allowed: [200, 400, 404, 405, 409, 413, 503] },
    { path, own: [], allowed: [401] },
  ];
  for (const { path, own, allowed } of doors) {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(conversation(own), { minLength: 16, maxLength: 32 }), async (said) => {
        const texts = await Promise.all(said.map((each) => converse({ path }, each)));
        const statuses = texts.flatMap((text) => answersIn(text).map(({ status }) => status));
        answered += statuses.length;
        expect(statuses.filter((status) => !allowed.includes(status))).toEqual([]);
      }),
      { numRuns: 20 },
    );
    expect(answered).toBeGreaterThan(20);
  }
  expect(node.process.ended).toBeUndefined();
  expect(await node.status()).toMatchObject({ address: '10.0.0.11' });
  const url = `http://127.0.0.1:${PORT}`;
  expect((await ringmaster(host, 'members', '--url', url, '--token-file', tokenFile)).code).toBe(0);
});
