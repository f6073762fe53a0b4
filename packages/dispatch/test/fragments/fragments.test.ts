import { encodeEthernet, encodeIpv4, encodeUdp, EtherType, IpProtocol, writeU16 } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { FRAGMENT_LIFE_MS, FRAGMENT_PACKETS, FRAGMENT_WAIT_MS } from '../../src/fragments/fragmentTable.js';
import { Counter, type Dispatcher, dropCounter, DropReason, verdictNames } from '../../src/index.js';
import { CLIENT, CLUSTER, createDispatcher, GATEWAY_MAC, HEADROOM, server, VIRTUAL_MAC } from '../world.js';

const PART_BYTES = 24;
const MORE_FRAGMENTS = 0x2000;

/** One of three parts of a datagram to port 53. */
function part(n: number, identification: number, source = CLIENT): { memory: Uint8Array; length: number } {
  const length = 34 + PART_BYTES;
  const memory = new Uint8Array(HEADROOM + length);
  const at = encodeEthernet(memory, HEADROOM, VIRTUAL_MAC, GATEWAY_MAC, EtherType.ipv4);
  const fields = { source, destination: CLUSTER, protocol: IpProtocol.udp, payloadLength: PART_BYTES };
  const payload = encodeIpv4(memory, at, { ...fields, identification, dontFragment: false });
  writeU16(memory, at + 6, (n < 2 ? MORE_FRAGMENTS : 0) | ((n * PART_BYTES) / 8));
  if (n === 0) encodeUdp(memory, payload, { sourcePort: 40_000, destinationPort: 53, payloadLength: 64 });
  return { memory, length };
}

function send(
  dispatcher: Dispatcher,
  n: number,
  identification: number,
  nowMs: number,
  source = CLIENT,
): string {
  const { memory, length } = part(n, identification, source);
  return verdictNames[dispatcher.process(memory, HEADROOM, length, nowMs)];
}

function release(dispatcher: Dispatcher, nowMs: number): string[] {
  const verdicts: string[] = [];
  dispatcher.takeFragments((memory, offset, length) => {
    expect(memory.subarray(offset - HEADROOM, offset).every((byte) => byte === 0)).toBe(true);
    verdicts.push(verdictNames[dispatcher.process(memory, offset, length, nowMs)]);
  });
  return verdicts;
}

describe('fragments that overtake their first one', () => {
  it('wait, and follow it when it has come', () => {
    const dispatcher = createDispatcher();
    expect(send(dispatcher, 2, 7, 0)).toBe('hold');
    expect(send(dispatcher, 1, 7, 1)).toBe('hold');
    expect(dispatcher.hasReadyFragments).toBe(false);
    expect(send(dispatcher, 0, 7, 2)).toBe('local');
    expect(dispatcher.hasReadyFragments).toBe(true);
    expect(release(dispatcher, 3)).toEqual(['local', 'local']);
    expect(dispatcher.hasReadyFragments).toBe(false);
    expect(dispatcher.counters[Counter.released]).toBe(2);
  });

  it('go on waiting while those of another packet are let go', () => {
    const dispatcher = createDispatcher();
    send(dispatcher, 1, 7, 0);
    send(dispatcher, 1, 8, 0);
    send(dispatcher, 0, 8, 1);
    expect(release(dispatcher, 2)).toEqual(['hold', 'local']);
    send(dispatcher, 0, 7, 3);
    expect(release(dispatcher, 4)).toEqual(['local']);
  });

  it('are let go and dropped when it does not come in time, however often they are looked at', () => {
    const dispatcher = createDispatcher();
    send(dispatcher, 1, 7, 0);
    dispatcher.gc(FRAGMENT_WAIT_MS, 100);
    expect(dispatcher.hasReadyFragments).toBe(false);
    expect(release(dispatcher, FRAGMENT_WAIT_MS)).toEqual(['hold']);
    dispatcher.gc(2 * FRAGMENT_WAIT_MS + 1, 100);
    expect(dispatcher.hasReadyFragments).toBe(true);
    expect(release(dispatcher, 2 * FRAGMENT_WAIT_MS + 1)).toEqual(['drop']);
    expect(dispatcher.dropReason).toBe(DropReason.fragment);
    expect(release(dispatcher, 2 * FRAGMENT_WAIT_MS + 2)).toEqual([]);
  });

  it('are dropped when there is no room to wait in', () => {
    const dispatcher = createDispatcher();
    const verdicts = Array.from({ length: 3000 }, (_, n) => send(dispatcher, 1, n, 0));
    const held = verdicts.filter((verdict) => verdict === 'hold').length;
    expect(held).toBeGreaterThan(1000);
    expect(dispatcher.counters[dropCounter(DropReason.fragment)]).toBe(3000 - held);
    expect(held * part(1, 0).memory.length).toBeLessThanOrEqual(128 * 1024);
  });
});

describe('packets under way', () => {
  it('are bounded in number: the oldest makes room', () => {
    const dispatcher = createDispatcher();
    for (let n = 0; n <= FRAGMENT_PACKETS; n++) expect(send(dispatcher, 0, n, 0)).not.toBe('drop');
    expect(send(dispatcher, 1, 0, 1)).toBe('drop');
    for (const n of [1, FRAGMENT_PACKETS]) expect(send(dispatcher, 1, n, 1)).toMatch(/local|forward/);
  });

  it('do not make room for parts without a first one', () => {
    const dispatcher = createDispatcher();
    for (let n = 0; n < FRAGMENT_PACKETS - 1; n++) send(dispatcher, 0, n, 0);
    for (let n = 0; n < 5000; n++) send(dispatcher, 1, n, 0, CLIENT + 1);
    for (let n = 0; n < FRAGMENT_PACKETS - 1; n++) expect(send(dispatcher, 1, n, 1)).not.toBe('hold');
  });

  it('are forgotten when they are whole, and after their time', () => {
    const dispatcher = createDispatcher();
    for (const n of [0, 1, 2]) expect(send(dispatcher, n, 7, 0)).toBe('local');
    expect(send(dispatcher, 1, 7, 1)).toBe('hold');
    send(dispatcher, 0, 8, 0);
    expect(send(dispatcher, 1, 8, FRAGMENT_LIFE_MS + 1)).toBe('hold');
  });

  it('do not go to a server that has taken over the slot of another', () => {
    const dispatcher = createDispatcher({ timeoutsMs: { udpHalfOpenMs: 10 } });
    send(dispatcher, 0, 7, 0);
    const full = Array.from({ length: 255 }, (_, n) => server(100, { address: 0x0b000000 + n }));
    expect(dispatcher.gc(100, 1000)).toBe(1);
    dispatcher.setServers(full, 100);
    expect(send(dispatcher, 1, 7, 100)).toBe('drop');
    expect(dispatcher.dropReason).toBe(DropReason.fragment);
  });
});
