import { decode, encode, type DecodedPacket, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerQuery, type Zone } from '../../src/dns/answer.js';

const ZONE: Zone = { name: 'www.example.org', ttlS: 7, addresses: ['10.0.0.100', '10.0.0.101', 'fd00::100'] };

const query = (type: string, more: Partial<Packet> = {}, name = 'www.example.org'): Buffer =>
  encode({
    type: 'query',
    id: 77,
    flags: 0x0100,
    questions: [{ type: type as 'A', name, class: 'IN' }],
    ...more,
  });

function ask(
  bytes: Uint8Array,
  { zone = ZONE, turn = 0, over = 'udp' as 'udp' | 'tcp' } = {},
): DecodedPacket {
  const answer = answerQuery(bytes, zone, turn, over);
  if (answer === undefined) throw new Error('it did not answer');
  return decode(Buffer.from(answer));
}

const rcode = (packet: DecodedPacket): number => (packet.flags ?? 0) & 0xf;
const data = (packet: DecodedPacket): unknown[] =>
  (packet.answers ?? []).map((answer) => ('data' in answer ? answer.data : undefined));

describe('the name server', () => {
  it('answers with the addresses of the version that is asked for, in turn, for so long', () => {
    const answer = ask(query('A'));
    expect(answer).toMatchObject({ id: 77, type: 'response', flag_aa: true, flag_rd: true, flag_ra: false });
    expect(answer.answers?.[0]).toMatchObject({ name: 'www.example.org', type: 'A', ttl: 7 });
    expect(data(answer)).toEqual(['10.0.0.100', '10.0.0.101']);
    expect(data(ask(query('A'), { turn: 1 }))).toEqual(['10.0.0.101', '10.0.0.100']);
    expect(data(ask(query('AAAA'), { turn: 4 }))).toEqual(['fd00::100']);
    expect(data(ask(query('ANY')))).toHaveLength(3);
  });

  it('finds the name however it is written, and says it as it was asked', () => {
    const answer = ask(query('A', {}, 'WwW.Example.ORG'));
    expect(data(answer)).toHaveLength(2);
    expect(answer.questions?.[0].name).toBe('WwW.Example.ORG');
  });

  it.each(['MX', 'TXT', 'NS', 'UNKNOWN_65'])(
    'says that there is no %s, and for how long that is so',
    (type) => {
      const answer = ask(query(type));
      expect([rcode(answer), data(answer)]).toEqual([0, []]);
      expect(answer.authorities?.[0]).toMatchObject({ type: 'SOA', ttl: 7, data: { minimum: 7 } });
    },
  );

  it('says the same where no address is alive, and has an SOA of its own', () => {
    const answer = ask(query('A'), { zone: { ...ZONE, addresses: [] } });
    expect([rcode(answer), data(answer), answer.authorities?.length]).toEqual([0, [], 1]);
    expect(ask(query('SOA')).answers).toHaveLength(1);
  });

  it('refuses other names, other classes, other questions and updates', () => {
    expect(rcode(ask(query('A', {}, 'example.org')))).toBe(5);
    expect(rcode(ask(query('A', { questions: [{ type: 'A', name: ZONE.name, class: 'CH' }] })))).toBe(5);
    const two = [1, 2].map(() => ({ type: 'A' as const, name: ZONE.name }));
    expect(rcode(ask(query('A', { questions: two })))).toBe(1);
    expect(rcode(ask(query('A', { questions: [] })))).toBe(1);
    const update = query('A');
    update[2] = (update[2] & 0x87) | (5 << 3);
    expect(rcode(ask(update))).toBe(4);
  });

  it('cuts what a datagram does not take, as large as the client says it may be', () => {
    const many = Array.from({ length: 35 }, (_, i) => `10.0.1.${i}`);
    const zone = { ...ZONE, addresses: many };
    const cut = ask(query('A'), { zone });
    expect([cut.flag_tc, data(cut)]).toEqual([true, []]);
    expect(data(ask(query('A'), { zone, over: 'tcp' }))).toHaveLength(35);
    const edns = {
      type: 'OPT' as const,
      ...{ name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0 },
      ...{ flags: 0, flag_do: false, options: [] },
    };
    const whole = answerQuery(query('A', { additionals: [edns] }), zone, 0, 'udp')!;
    expect(whole.length).toBeLessThanOrEqual(1232);
    expect(data(decode(Buffer.from(whole)))).toHaveLength(35);
    expect(decode(Buffer.from(whole)).additionals?.[0]).toMatchObject({ type: 'OPT', udpPayloadSize: 1232 });
  });

  it('does not answer answers, nor what has no header', () => {
    expect(answerQuery(encode({ type: 'response', id: 1 }), ZONE, 0, 'udp')).toBeUndefined();
    expect(answerQuery(new Uint8Array(11), ZONE, 0, 'udp')).toBeUndefined();
  });

  it('says something or nothing to whatever comes, and never more than fits', () => {
    const damaged = fc
      .tuple(
        fc.constantFrom('A', 'AAAA', 'TXT'),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
      )
      .map(([type, changes]) => {
        const bytes = query(type);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return bytes as Uint8Array;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged), fc.nat(), (bytes, turn) => {
        const answer = answerQuery(bytes, ZONE, turn, 'udp');
        if (answer === undefined) return;
        expect(answer.length).toBeLessThanOrEqual(512);
        expect([answer[0], answer[1], answer[2] & 0x80]).toEqual([bytes[0], bytes[1], 0x80]);
      }),
      { numRuns: 5000 },
    );
  });
});
