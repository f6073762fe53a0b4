import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dispatcher } from '../../src/index.js';
import {
  clusterMac,
  createL43,
  type Family,
  frame,
  gatewayMac,
  host,
  macOf,
  NO_MAC,
  OWN_MAC,
  ROUTER_MAC,
  run,
} from './l43World.js';
import {
  ends,
  type Endpoint,
  families,
  HEADROOM,
  LINK_BYTES,
  payloads,
  segmentPacket,
  type Sum,
} from './packets.js';

/** A service of the cluster, and the port of its servers. */
const SERVICES = [
  { protocol: 6, port: 80, target: 8080 },
  { protocol: 17, port: 53, target: 53 },
  { protocol: 6, port: 443, target: 4433 },
  { protocol: 17, port: 443, target: 4433 },
];

const conversations = families.chain((family) =>
  fc.record({
    family: fc.constant(family),
    client: ends(family).filter(({ address: [first, second] }) =>
      family === 4
        ? first !== 0 && first !== 10 && first !== 127 && first < 224
        : first === 0x20 && second !== undefined,
    ),
    service: fc.constantFrom(...SERVICES),
    sum: fc.constantFrom<Sum>('full', 'partial'),
    hops: fc.integer({ min: 2, max: 255 }),
    turns: fc.array(fc.tuple(fc.boolean(), payloads), { maxLength: 12 }),
  }),
);

/** Sets TCP flags, and mends the checksum of a full sum. */
function withFlags(packet: Uint8Array, protocol: number, flags: number, sum: Sum): Uint8Array {
  if (protocol !== 6) return packet;
  const at = (packet[0] >>> 4 === 4 ? 20 : 40) + 12;
  const before = (packet[at] << 8) | packet[at + 1];
  packet[at + 1] = flags;
  const after = (packet[at] << 8) | packet[at + 1];
  if (sum === 'full') {
    const checksum = (packet[at + 4] << 8) | packet[at + 5];
    let total = (~checksum & 0xffff) + (~before & 0xffff) + after;
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    packet.set([(~total >>> 8) & 0xff, ~total & 0xff], at + 4);
  }
  return packet;
}

function mark(memory: Uint8Array, protocol: number, sum: Sum): Uint8Array {
  if (sum !== 'partial') return memory;
  const v4 = memory[HEADROOM + LINK_BYTES] >>> 4 === 4;
  memory[0] = 1;
  const start = Uint16Array.of(LINK_BYTES + (v4 ? 20 : 40), protocol === 6 ? 16 : 6);
  memory.set(new Uint8Array(start.buffer), 6);
  return memory;
}

/** The last byte of the address of the server that a client's connection was given to. */
function serverOf(dispatcher: Dispatcher, clientPort: number): number {
  let server = 0;
  for (let from = 0; from >= 0;) {
    from = dispatcher.snapshot(
      100,
      (row) => {
        if (row.clientPort === clientPort) server = row.serverAddress & 0xff;
      },
      from,
    );
  }
  return server;
}

/** A packet that opens a connection. */
function opening(client: Endpoint, cluster: Endpoint, protocol: number): Uint8Array {
  return withFlags(segmentPacket(client, cluster, protocol, new Uint8Array(0), 'full'), protocol, 2, 'full');
}

/** Client and servers, which know only their own addresses, and what each would send and expects to get. */
class Play {
  readonly dispatcher = createL43();
  private readonly given: { family: Family; client: Endpoint; sum: Sum; hops: number };
  private readonly service: (typeof SERVICES)[number];
  private server = 0;

  constructor(
    given: { family: Family; client: Endpoint; sum: Sum; hops: number },
    service: (typeof SERVICES)[number],
  ) {
    this.given = given;
    this.service = service;
  }

  /** The client sends; whichever server it comes to must be able to read it. */
  send(payload: Uint8Array, flags: number): void {
    const { family, client, sum, hops } = this.given;
    const { protocol, port, target } = this.service;
    const make = (to: Endpoint, left: number): Uint8Array =>
      withFlags(segmentPacket(client, to, protocol, payload, sum, left), protocol, flags, sum);
    const memory = frame(make(host(family, 100, port), hops), clusterMac(family), ROUTER_MAC);
    const outcome = run(this.dispatcher, mark(memory, protocol, sum));
    if (this.server === 0) this.server = serverOf(this.dispatcher, client.port);
    const isLocal = this.server === 11;
    expect(outcome.verdict).toBe(isLocal ? 'local' : 'forward');
    expect(outcome.to).toEqual(isLocal ? NO_MAC : macOf(this.server));
    expect(outcome.from).toEqual(gatewayMac(family));
    expect(outcome.packet).toEqual(make(host(family, this.server, target), hops - 1));
  }

  /** The server answers; the client must get it from the cluster. */
  answer(payload: Uint8Array, flags: number): void {
    const { family, client, sum, hops } = this.given;
    const { protocol, port, target } = this.service;
    const make = (from: Endpoint, left: number): Uint8Array =>
      withFlags(segmentPacket(from, client, protocol, payload, sum, left), protocol, flags, sum);
    const source = this.server === 11 ? OWN_MAC : macOf(this.server);
    const memory = frame(make(host(family, this.server, target), hops), gatewayMac(family), source);
    const outcome = run(this.dispatcher, mark(memory, protocol, sum));
    expect(outcome.verdict).toBe('outward');
    expect(outcome.to).toEqual(ROUTER_MAC);
    expect(outcome.from).toEqual(clusterMac(family));
    expect(outcome.packet).toEqual(make(host(family, 100, port), hops - 1));
  }
}

describe('a conversation through the dispatcher', () => {
  it('each side reads what the other has written, with valid checksums, as if it spoke to the cluster or to the server', () => {
    fc.assert(
      fc.property(conversations, fc.nat(2), ({ service, turns, ...given }, others) => {
        const play = new Play(given, service);
        const { family, client } = given;
        fc.pre(client.port + others <= 0xffff);
        const cluster = host(family, 100, service.port);
        // Other clients before, from another router, so that it is not always the first server and hop.
        for (let n = 1; n <= others; n++) {
          const packet = opening({ ...client, port: client.port + n }, cluster, service.protocol);
          run(play.dispatcher, frame(packet, clusterMac(family), macOf(0xfd)));
        }
        play.send(new Uint8Array(0), 2);
        play.answer(new Uint8Array(0), 0x12);
        for (const [isClient, payload] of turns) {
          if (isClient) play.send(payload, 0x18);
          else play.answer(payload, 0x18);
        }
      }),
      { numRuns: 300 },
    );
  });
});
