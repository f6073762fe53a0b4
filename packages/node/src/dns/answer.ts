/** What a name server for one name answers (RFC 1035, RFC 6891). Pure: bytes in, bytes out. */
import { isIPv4 } from 'node:net';
import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_DESIRED, TRUNCATED_RESPONSE } from 'dns-packet';
import type { Answer, DecodedPacket, Packet } from 'dns-packet';

/** The name, and what it stands for at present. */
export interface Zone {
  /** Without a dot at its end. */
  readonly name: string;
  readonly ttlS: number;
  /** In text, of both versions. */
  readonly addresses: readonly string[];
}

/** RFC 1035, section 4.1.1. */
const ResponseCode = { ok: 0, formatError: 1, notImplemented: 4, refused: 5 } as const;
type ResponseCode = (typeof ResponseCode)[keyof typeof ResponseCode];

const HEADER_BYTES = 12;
const IS_ANSWER = 0x80;
/** RFC 1035, section 2.3.4. */
const PLAIN_UDP_BYTES = 512;
/** What goes through every link unfragmented: DNS flag day 2020. */
const MOST_UDP_BYTES = 1232;
const MOST_TCP_BYTES = 65_535;

/**
 * The answer to a query, or `undefined` when none is due: what is too short to have a header, or is an answer itself.
 * @param turn counts the queries: the addresses begin with another one each time
 */
export function answerQuery(
  query: Uint8Array,
  zone: Zone,
  turn: number,
  over: 'udp' | 'tcp',
): Uint8Array | undefined {
  if (query.length < HEADER_BYTES || (query[2] & IS_ANSWER) !== 0) return undefined;
  if (((query[2] >> 3) & 0xf) !== 0) return refuse(query, ResponseCode.notImplemented);
  const view = new DataView(query.buffer, query.byteOffset, HEADER_BYTES);
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => view.getUint16(at));
  // One question and perhaps an OPT record, as every resolver sends it; more would be work for nothing.
  if (questions !== 1 || answers + authorities > 0 || additionals > 1)
    return refuse(query, ResponseCode.formatError);
  const asked = decodeQuery(query);
  if (asked === undefined) return refuse(query, ResponseCode.formatError);
  return answerFor(asked, zone, turn, over);
}

function decodeQuery(query: Uint8Array): DecodedPacket | undefined {
  try {
    return decode(Buffer.from(query.buffer, query.byteOffset, query.length));
  } catch {
    return undefined;
  }
}

/** A header and nothing else: of the question nothing is known, or nothing is wanted. */
function refuse(query: Uint8Array, code: ResponseCode): Uint8Array {
  const answer = new Uint8Array(HEADER_BYTES);
  answer.set(query.subarray(0, 2));
  answer[2] = IS_ANSWER | (query[2] & 0x79);
  answer[3] = code;
  return answer;
}

function answerFor(asked: DecodedPacket, zone: Zone, turn: number, over: 'udp' | 'tcp'): Uint8Array {
  const [question] = asked.questions ?? [];
  const edns = (asked.additionals ?? []).find(({ type }) => type === 'OPT');
  const isOurs = question.class === 'IN' && question.name.toLowerCase() === zone.name.toLowerCase();
  const found = isOurs ? recordsFor(question, zone, turn) : [];
  const wantsSoa = isOurs && (question.type === 'SOA' || found.length === 0);
  const code = isOurs ? ResponseCode.ok : ResponseCode.refused;
  const desired = (asked.flags ?? 0) & RECURSION_DESIRED;
  const base: Packet = {
    type: 'response',
    ...(asked.id !== undefined && { id: asked.id }),
    flags: desired | (isOurs ? AUTHORITATIVE_ANSWER : 0) | code,
    questions: [question],
    ...(edns && { additionals: [OPT] }),
  };
  const soa = wantsSoa ? [soaOf(zone)] : [];
  const [answers, authorities] = question.type === 'SOA' ? [soa, []] : [found, soa];
  const whole = encode({ ...base, answers, authorities });
  if (whole.length <= mostBytes(edns, over)) return whole;
  // The client asks again over TCP.
  return encode({ ...base, flags: (base.flags ?? 0) | TRUNCATED_RESPONSE });
}

const OPT = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: MOST_UDP_BYTES,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
} as const satisfies Answer;

function mostBytes(edns: Answer | undefined, over: 'udp' | 'tcp'): number {
  if (over === 'tcp') return MOST_TCP_BYTES;
  const offered = edns?.type === 'OPT' ? edns.udpPayloadSize : PLAIN_UDP_BYTES;
  return Math.min(MOST_UDP_BYTES, Math.max(PLAIN_UDP_BYTES, offered));
}

function recordsFor(
  question: { readonly name: string; readonly type: string },
  { addresses, ttlS }: Zone,
  turn: number,
): Answer[] {
  const first = addresses.length === 0 ? 0 : turn % addresses.length;
  const inTurn = [...addresses.slice(first), ...addresses.slice(0, first)];
  return inTurn.flatMap((data): Answer[] => {
    const type = isIPv4(data) ? 'A' : 'AAAA';
    if (question.type !== type && question.type !== ('ANY' as string)) return [];
    return [{ type, name: question.name, ttl: ttlS, class: 'IN', data }];
  });
}

/** By its `minimum` resolvers remember that there is nothing: RFC 2308. */
function soaOf({ name, ttlS }: Zone): Answer {
  const times = { serial: 1, refresh: ttlS, retry: ttlS, expire: ttlS, minimum: ttlS };
  return { type: 'SOA', name, ttl: ttlS, data: { mname: name, rname: `hostmaster.${name}`, ...times } };
}
