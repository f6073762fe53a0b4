import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clientFrame,
  type ClusterConfig,
  type Dispatcher,
  DropReason,
  dropReasonNames,
  dropReasonTexts,
  GONE_AFTER_MS,
  PACKETS,
  Rehearsal,
  type Rehearsed,
  type ServerInfo,
  Verdict,
} from '../../src/index.js';
import {
  clusterMac,
  CLUSTERS,
  createL43,
  type Family,
  gatewayMac,
  ip,
  OWN_MAC,
  ROUTER_MAC,
  SERVERS,
} from '../nat/l43World.js';
import {
  createDispatcher,
  createFrame,
  HEADROOM,
  OWN_MAC as L42_OWN_MAC,
  send,
  SERVERS as L42_SERVERS,
} from '../world.js';

const CLIENT_ADDRESSES = { 4: ip('10.9.0.2'), 6: ip('2001:db8::2') } as const;
const CLUSTER_ADDRESSES = { 4: ip('10.0.0.100'), 6: ip('fd00::100') } as const;

interface Said {
  readonly family: Family;
  readonly clientPort: number;
  readonly port: number;
  readonly protocol: number;
  readonly packet: (typeof PACKETS)[number];
}

const said: fc.Arbitrary<Said> = fc.record({
  family: fc.constantFrom<Family>(4, 6),
  clientPort: fc.integer({ min: 40_000, max: 40_003 }),
  port: fc.constantFrom(80, 53, 443, 8000, 9000, 81),
  protocol: fc.constantFrom(6, 17),
  packet: fc.constantFrom(...PACKETS),
});

type Op =
  | { readonly kind: 'client'; readonly said: Said }
  | { readonly kind: 'server'; readonly frame: number; readonly end: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'hold'; readonly on: boolean }
  | { readonly kind: 'servers'; readonly absent: number }
  | { readonly kind: 'clusters'; readonly without: number; readonly forget: boolean }
  | { readonly kind: 'mode'; readonly mode: 'dispatch' | 'stray' };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: said.map((s): Op => ({ kind: 'client', said: s })) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('server' as const), frame: fc.nat(), end: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.constantFrom(1, 300, 600, 2000, 4000).map((ms): Op => ({ kind: 'wait', ms })) },
  { weight: 1, arbitrary: fc.boolean().map((on): Op => ({ kind: 'hold', on })) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }).map((absent): Op => ({ kind: 'servers', absent })) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clusters' as const),
      without: fc.integer({ min: 0, max: 4 }),
      forget: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('dispatch' as const, 'stray' as const)
      .map((mode): Op => ({ kind: 'mode', mode })),
  },
);

/** A dispatcher in L4/3 that lives, and what a node remembers of what it told it. */
class Living {
  readonly dispatcher: Dispatcher = createL43();
  servers: readonly ServerInfo[] = SERVERS;
  clusters: readonly ClusterConfig[] = CLUSTERS;
  mode: 'dispatch' | 'stray' = 'dispatch';
  isHolding = false;
  heldUntilMs: number | undefined;
  nowMs = 10_000;
  /** Frames that have gone to servers: what these may answer. */
  readonly delivered: Uint8Array[] = [];

  /** What would become of the frame, found out without anybody's noticing. */
  explain(frame: Uint8Array): Rehearsed {
    const { nowMs, clusters, servers, mode, isHolding, heldUntilMs } = this;
    const facts = this.dispatcher.examine(frame, 0, frame.length, nowMs);
    const held = heldUntilMs === undefined ? {} : { heldUntilMs };
    const rehearsal = new Rehearsal(
      { clusters, ownMac: OWN_MAC, servers, formerServers: SERVERS, mode, isHolding, ...held },
      nowMs,
    );
    return rehearsal.run(frame, facts, nowMs);
  }

  process(frame: Uint8Array): Omit<Rehearsed, 'isKnown'> {
    const { dispatcher, nowMs } = this;
    const memory = new Uint8Array(10 + frame.length);
    memory.set(frame, 10);
    const verdict = dispatcher.process(memory, 10, frame.length, nowMs);
    if (verdict === Verdict.drop) return { verdict, reason: dispatcher.dropReason };
    if (verdict === Verdict.answer)
      return { verdict, sent: dispatcher.reply.slice(0, dispatcher.replyLength) };
    if (verdict === Verdict.ignore || verdict === Verdict.hold) return { verdict };
    const sent = memory.slice(10 + dispatcher.skipBytes);
    if (verdict === Verdict.forward || verdict === Verdict.local) this.delivered.push(sent);
    return { verdict, sent };
  }

  apply(step: Op): void {
    if (step.kind === 'wait') this.nowMs += step.ms;
    else if (step.kind === 'hold') this.hold(step.on);
    else if (step.kind === 'servers') {
      this.servers = SERVERS.filter((_, i) => i !== step.absent);
      this.dispatcher.setServers(this.servers, this.nowMs);
    } else if (step.kind === 'clusters') {
      this.reconfigure(step.without, step.forget);
    } else if (step.kind === 'mode') {
      this.mode = step.mode;
      this.dispatcher.setMode(step.mode);
    }
  }

  /** Every cluster loses a port, or has all of them again. */
  private reconfigure(without: number, forget: boolean): void {
    this.clusters = CLUSTERS.map((cluster) => ({
      ...cluster,
      ports: cluster.ports.filter((_, i) => i !== without),
    }));
    this.dispatcher.setClusters(this.clusters);
    if (forget) for (let from = 0; from >= 0;) from = this.dispatcher.forgetRest(100, from);
  }

  private hold(on: boolean): void {
    this.dispatcher.gc(this.nowMs, 0);
    this.dispatcher.hold(on);
    if (this.isHolding && !on) this.heldUntilMs = this.nowMs;
    this.isHolding = on;
  }
}

function fromClient({ family, ...rest }: Said): Uint8Array {
  return clientFrame({
    ...rest,
    clientAddress: CLIENT_ADDRESSES[family],
    clusterAddress: CLUSTER_ADDRESSES[family],
    virtualMac: clusterMac(family),
    sourceMac: ROUTER_MAC,
  });
}

/** The answer to a delivered frame: both ends exchanged, to the ghost gateway. */
function answerTo(delivered: Uint8Array, end: boolean): Uint8Array {
  const frame = delivered.slice();
  const family: Family = frame[14] >>> 4 === 4 ? 4 : 6;
  const [addressesAt, size, transportAt] = family === 4 ? [26, 4, 34] : [22, 16, 54];
  const exchange = (at: number, length: number): void => {
    const first = frame.slice(at, at + length);
    frame.copyWithin(at, at + length, at + 2 * length);
    frame.set(first, at + length);
  };
  exchange(addressesAt, size);
  exchange(transportAt, 2);
  const n = frame[addressesAt + size - 1];
  frame.set([...gatewayMac(family), 2, 0, 0, 0, 0, family === 4 ? n : (n >>> 4) * 10 + (n & 15)]);
  const isTcp = (family === 4 ? frame[23] : frame[20]) === 6;
  if (isTcp) frame[transportAt + 13] = end ? 0x11 : 0x10;
  return frame;
}

const visible = ({ verdict, reason, sent }: Omit<Rehearsed, 'isKnown'>) => ({
  verdict,
  reason: reason === undefined ? undefined : dropReasonNames[reason],
  sent: sent && Buffer.from(sent).toString('hex'),
});

describe('explain', () => {
  test('says what then happens, whatever has happened before', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 40 }), (steps) => {
        const living = new Living();
        for (const step of steps) {
          living.apply(step);
          if (step.kind !== 'client' && step.kind !== 'server') continue;
          const { delivered } = living;
          if (step.kind === 'server' && delivered.length === 0) continue;
          const frame =
            step.kind === 'client'
              ? fromClient(step.said)
              : answerTo(delivered[step.frame % delivered.length], step.end);
          const before = [...living.dispatcher.counters];
          const expected = living.explain(frame);
          expect([...living.dispatcher.counters]).toEqual(before);
          expect(visible(expected)).toEqual(visible(living.process(frame)));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('names the server of a known connection and the next one of a new one, and moves no turn on', () => {
    const dispatcher = createDispatcher();
    send(dispatcher, { sourcePort: 1 }, 0);
    const { memory, length } = createFrame({ sourcePort: 2 });
    const clusters = [
      {
        address: ip('10.0.0.100'),
        virtualMac: memory.slice(HEADROOM, HEADROOM + 6),
        ports: [{ port: 80, protocol: 'tcp' as const }],
      },
    ];
    const look = () => {
      const facts = dispatcher.examine(memory, HEADROOM, length, 5);
      const rehearsal = new Rehearsal(
        {
          clusters,
          ownMac: L42_OWN_MAC,
          servers: L42_SERVERS,
          formerServers: [],
          mode: 'dispatch',
          isHolding: false,
        },
        5,
      );
      return { facts, done: rehearsal.run(memory.slice(HEADROOM), facts, 5) };
    };
    const first = look();
    expect(look()).toEqual(first);
    expect(first.facts).toMatchObject({
      direction: 'to-server',
      service: { scheduler: 'round-robin', servers: 3, eligible: 3, next: { address: ip('10.0.0.12') } },
    });
    expect(first.facts?.connection).toBeUndefined();
    expect(first.done).toMatchObject({ verdict: Verdict.forward, server: ip('10.0.0.12') });
    send(dispatcher, { sourcePort: 2 }, 5);
    expect(look().facts).toMatchObject({
      connection: { serverAddress: ip('10.0.0.12'), state: 'half-open', packets: 1 },
    });
  });

  test('a frame that is not ours belongs to no connection', () => {
    const dispatcher = createDispatcher();
    expect(dispatcher.examine(new Uint8Array(60), 0, 60, 0)).toBeUndefined();
    expect(dispatcher.examine(new Uint8Array(3), 0, 3, 0)).toBeUndefined();
  });

  test('a known connection whose server has just gone is not given up, one whose server is gone for long begins anew', () => {
    const living = new Living();
    const syn = fromClient({ family: 4, clientPort: 40_000, port: 80, protocol: 6, packet: 'syn' });
    living.process(syn);
    const [first] = living.delivered;
    living.apply({
      kind: 'servers',
      absent: SERVERS.findIndex(({ address }) => (address & 0xff) === first[33]),
    });
    expect(living.explain(syn)).toMatchObject({ server: 0x0a000000 + first[33] });
    living.apply({ kind: 'wait', ms: GONE_AFTER_MS + 1 });
    const { sent } = living.explain(syn);
    expect(sent?.[33]).not.toBe(first[33]);
  });

  test('every drop reason has a sentence', () => {
    expect(Object.keys(dropReasonTexts)).toEqual(Object.keys(DropReason));
  });
});
