import { Lab } from '@ringmaster/lab';
import { createRequire } from 'node:module';
import {
  encodeVnetHeader,
  foldSum,
  parseIp,
  pseudoHeaderSum4,
  pseudoHeaderSum6,
  VNET_HEADER_BYTES,
  VnetHeader,
  VnetSegmentation,
  writeU16,
  writeU32,
} from 'libnetraw/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostRoute } from '../../packages/node/src/dataplane/hostRoute.js';
import { splitPackets } from '../../packages/node/src/dataplane/ipOutput.js';
import { SharedState } from '../../packages/node/src/dataplane/sharedState.js';
import { openChannel, type Channel } from './channel.js';

/**
 * Packets whose next hop only the host knows: made of frames that still have work for a network card in them, sent with a
 * source address that is not the host's, through a router, to sockets that look at the checksums.
 */
const PORT = 7000;
const SOURCE = { 4: '203.0.113.9', 6: 'fd99::9' } as const;
const START = 16;
/** The native package is optional: where it could not be built there is only our own socket to test. */
const hasPackage = ((): boolean => {
  try {
    createRequire(new URL('../../packages/node/package.json', import.meta.url)).resolve(
      'raw-socket/build/Release/raw.node',
    );
    return true;
  } catch {
    return false;
  }
})();

let lab: Lab;
let far: Channel;
let near: Channel;

beforeAll(async () => {
  lab = await Lab.create();
  const left = await lab.lan('left', '10.1.0.0/24', 'fd01::/64');
  const right = await lab.lan('right', '10.2.0.0/24', 'fd02::/64');
  await lab.router('router', [left, right]);
  const host = await lab.host('host', { lan: left, address: '10.1.0.2/24', gateway: '10.1.0.1' });
  const target = await lab.host('target', { lan: right, address: '10.2.0.2/24', gateway: '10.2.0.1' });
  await host.exec('ip', ['route', 'add', 'unreachable', '10.3.0.0/24']);
  far = openChannel(target, 'ipOutput.mjs');
  near = openChannel(host, 'ipOutput.mjs');
  await far.call('listen', PORT);
});

afterAll(async () => {
  for (const channel of [far, near]) await channel.close();
  await lab.close();
});

/** The packets that are made of a UDP frame with a partial checksum, which is a super-frame if `segmentBytes` is given. */
function packetsTo(family: 4 | 6, payload: Uint8Array, segmentBytes = 0): Uint8Array[] {
  const network = family === 4 ? 20 : 40;
  const memory = new Uint8Array(START + 14 + network + 8 + payload.length);
  const ip = START + 14;
  const at = ip + network;
  const length = 8 + payload.length;
  writeU16(memory, ip - 2, family === 4 ? 0x0800 : 0x86dd);
  const [source, destination] = [parseIp(SOURCE[family])!, parseIp(family === 4 ? '10.2.0.2' : 'fd02::2')!];
  if (typeof source === 'number' && typeof destination === 'number') {
    memory.set([0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 17], ip);
    writeU16(memory, ip + 2, network + length);
    writeU32(memory, ip + 12, source);
    writeU32(memory, ip + 16, destination);
    writeU16(memory, at + 6, foldSum(pseudoHeaderSum4(source, destination, 17, length)));
  } else {
    memory.set([0x60, 0, 0, 0, 0, 0, 17, 64], ip);
    writeU16(memory, ip + 4, length);
    memory.set(source as Uint8Array, ip + 8);
    memory.set(destination as Uint8Array, ip + 24);
    writeU16(memory, at + 6, foldSum(pseudoHeaderSum6(memory, ip + 8, ip + 24, 17, length)));
  }
  writeU32(memory, at, (1234 << 16) | PORT);
  writeU16(memory, at + 4, length);
  memory.set(payload, at + 8);
  const vnet = new VnetHeader();
  vnet.flags = 1;
  vnet.checksumStart = 14 + network;
  vnet.checksumOffset = 6;
  if (segmentBytes > 0) {
    vnet.segmentation = VnetSegmentation.udpL4;
    vnet.segmentBytes = segmentBytes;
  }
  encodeVnetHeader(memory, START - VNET_HEADER_BYTES, vnet);
  const packets: Uint8Array[] = [];
  const route = new HostRoute(new SharedState(), ({ bytes }) => packets.push(...splitPackets(bytes)));
  route.take(memory, START, memory.length - START);
  route.flush();
  return packets;
}

describe.each([
  { name: 'libnetraw', withPackage: false },
  ...(hasPackage ? [{ name: 'raw-socket', withPackage: true }] : []),
])('by $name', ({ name, withPackage }) => {
  beforeAll(async () => {
    expect(await near.call('open', withPackage)).toBe(name);
  });

  afterAll(() => near.call('close'));

  it.each([4, 6] as const)(
    'IPv%i packets arrive whole, and the far end believes their checksums',
    async (family) => {
      const payload = new Uint8Array(5000).map((_, i) => 97 + (Math.floor(i / 1000) % 26));
      const packets = [...packetsTo(family, payload.subarray(0, 33)), ...packetsTo(family, payload, 1000)];
      expect(packets).toHaveLength(6);
      expect(await near.call('send', packets)).toEqual(Array(6).fill(true));
      const seen: { bytes: number; text: string; from: string }[] = [];
      await expect
        .poll(async () => seen.push(...(await far.call<typeof seen>('received'))))
        .toBeGreaterThanOrEqual(6);
      expect(seen).toEqual([
        { bytes: 33, text: 'aaaaaaaa', from: SOURCE[family] },
        ...['a', 'b', 'c', 'd', 'e'].map((letter) => ({
          bytes: 1000,
          text: letter.repeat(8),
          from: SOURCE[family],
        })),
      ]);
    },
  );

  it('says what the kernel does not take: larger than the MTU, no route', async () => {
    const large = packetsTo(4, new Uint8Array(3000));
    const lost = packetsTo(4, new Uint8Array(30));
    writeU32(lost[0], 16, parseIp('10.3.0.1') as number);
    const good = packetsTo(4, new Uint8Array(30).fill(122));
    expect(await near.call('send', [...large, ...lost, ...good])).toEqual([false, false, true]);
    await expect.poll(() => far.call('received')).toEqual([{ bytes: 30, text: 'zzzzzzzz', from: SOURCE[4] }]);
  });
});
