import {
  encodeVnetHeader,
  foldSum,
  pseudoHeaderSum4,
  VNET_HEADER_BYTES,
  VnetHeader,
  VnetSegmentation,
  writeU16,
  writeU32,
} from 'libnetraw/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { HostRoute } from '../../src/dataplane/hostRoute.js';
import { splitPackets } from '../../src/dataplane/ipOutput.js';
import { SharedState } from '../../src/dataplane/sharedState.js';

const START = 16;
const MIB = 1024 * 1024;
let shared: SharedState;
let posted: Uint8Array[];
let route: HostRoute;

beforeEach(() => {
  shared = new SharedState();
  posted = [];
  route = new HostRoute(shared, ({ bytes }) => posted.push(bytes));
});

/** A TCP frame with its offload header before `START`; more than 1460 bytes of payload make it a super-frame. */
function frame(payloadBytes: number): Uint8Array {
  const memory = new Uint8Array(START + 54 + payloadBytes);
  const ip = START + 14;
  writeU16(memory, START + 12, 0x0800);
  writeU16(memory, ip, 0x4500);
  writeU16(memory, ip + 2, 40 + payloadBytes);
  memory[ip + 9] = 6;
  writeU32(memory, ip + 12, 0x0a000064);
  writeU32(memory, ip + 16, 0x0a090002);
  memory[ip + 32] = 0x50;
  writeU16(memory, ip + 36, foldSum(pseudoHeaderSum4(0x0a000064, 0x0a090002, 6, 20 + payloadBytes)));
  const vnet = new VnetHeader();
  vnet.flags = 1;
  vnet.checksumStart = 34;
  vnet.checksumOffset = 16;
  if (payloadBytes > 1460) {
    vnet.segmentation = VnetSegmentation.tcp4;
    vnet.segmentBytes = 1460;
  }
  encodeVnetHeader(memory, START - VNET_HEADER_BYTES, vnet);
  return memory;
}

function take(payloadBytes: number): void {
  const memory = frame(payloadBytes);
  route.take(memory, START, memory.length - START);
}

describe('HostRoute', () => {
  it('hands over whole packets of a turn at once, none larger than an Ethernet link takes', () => {
    take(100);
    take(60_000);
    expect(posted).toEqual([]);
    route.flush();
    route.flush();
    expect(posted).toHaveLength(1);
    const packets = splitPackets(posted[0]);
    expect(packets.map(({ length }) => length)).toEqual([
      140,
      ...Array<number>(41).fill(1500),
      60_000 - 41 * 1460 + 40,
    ]);
    expect(shared.routedBytesWaiting).toBe(posted[0].length);
    expect(route.dropped).toBe(0);
  });

  it('drops and counts what the main thread has no room for, until it has sent', () => {
    shared.addRoutedBytesWaiting(MIB - 200);
    take(100);
    take(100);
    expect(route.dropped).toBe(1);
    route.flush();
    take(100);
    expect(route.dropped).toBe(2);
    shared.addRoutedBytesWaiting(-MIB / 2);
    take(100);
    route.flush();
    expect(route.dropped).toBe(2);
    expect(posted).toHaveLength(2);
  });

  it('bounds a single turn', () => {
    for (let i = 0; i < 64; i++) take(60_000);
    route.flush();
    expect(route.dropped).toBe(60);
    expect(posted[0].length).toBeLessThanOrEqual(MIB / 4);
  });

  it('forgets what must not be sent any more', () => {
    take(100);
    take(100);
    expect(route.discard()).toBe(2);
    route.flush();
    expect(posted).toEqual([]);
    expect(shared.routedBytesWaiting).toBe(0);
  });

  it('counts frames that are no packets', () => {
    const memory = frame(100);
    writeU16(memory, START + 12, 0x0806);
    route.take(memory, START, memory.length - START);
    expect(route.dropped).toBe(1);
  });
});

describe('splitPackets', () => {
  it('ends at what is cut off or no packet', () => {
    const whole = Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16));
    expect(splitPackets(whole)).toEqual([whole]);
    expect(splitPackets(Uint8Array.of(...whole, ...whole.subarray(0, 19)))).toEqual([whole]);
    expect(splitPackets(Uint8Array.of(...whole, 0x45, 0, 0, 21, ...new Uint8Array(16)))).toEqual([whole]);
    expect(splitPackets(Uint8Array.of(...whole, 0x45, 0, 0, 0, ...new Uint8Array(16)))).toEqual([whole]);
    const six = Uint8Array.of(0x60, 0, 0, 0, 0, 2, ...new Uint8Array(36));
    expect(splitPackets(Uint8Array.of(...six, ...whole))).toEqual([six, whole]);
    expect(splitPackets(new Uint8Array(0))).toEqual([]);
  });
});
