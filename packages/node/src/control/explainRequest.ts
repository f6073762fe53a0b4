/** The body of `POST /explain`: a packet of a client in words, or frames as they were captured. */
import { PACKETS, type PacketName } from '@ringmaster/dispatch';
import { type IpAddress, parseIp } from 'libnetraw/wire';
import { z } from 'zod';

/** Frames in one request; a capture with more is asked about in pieces. */
export const LARGEST_EXPLAIN_FRAMES = 256;

export interface Endpoint {
  readonly address: IpAddress;
  /** 1 to 65535. */
  readonly port: number;
}

export type ExplainRequest =
  | {
      readonly kind: 'packet';
      readonly protocol: 'tcp' | 'udp';
      readonly client: Endpoint;
      readonly cluster: Endpoint;
      /** Absent: data of the connection if it is known, else what opens it. */
      readonly packet: PacketName | undefined;
    }
  | { readonly kind: 'frames'; readonly frames: readonly Uint8Array[] };

/** `10.9.0.2:40000`, `[2001:db8::2]:40000`; `undefined` when it is neither. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const address = parseIp(match[1] ?? match[2]);
  const port = Number(match[3]);
  const isBracketed = match[1] !== undefined;
  if (address === undefined || port < 1 || port > 0xffff) return undefined;
  return (typeof address === 'number') === isBracketed ? undefined : { address, port };
}

const END = 'expected an address and a port, like 10.9.0.2:40000 or [2001:db8::2]:40000';
const endpoint = (name: string) =>
  z.string({ error: `${name}: ${END}` }).transform((text, context) => {
    const parsed = parseEndpoint(text);
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: 'custom', message: `${name}: ${END}`, input: text });
    return z.NEVER;
  });

const FRAMES = `frames: expected a list of 1 to ${LARGEST_EXPLAIN_FRAMES} Ethernet frames in hexadecimal`;
const packet = z.strictObject({
  protocol: z.enum(['tcp', 'udp'], { error: 'protocol: expected tcp or udp' }),
  client: endpoint('client'),
  cluster: endpoint('cluster'),
  packet: z.enum(PACKETS, { error: `packet: expected one of ${PACKETS.join(', ')}` }).optional(),
});
const frames = z.strictObject({
  frames: z
    .array(z.string({ error: FRAMES }).regex(/^(?:[0-9a-f]{2})*$/i, { error: FRAMES }), { error: FRAMES })
    .min(1, { error: FRAMES })
    .max(LARGEST_EXPLAIN_FRAMES, { error: FRAMES }),
});

/** One of these. */
export const EXPLAIN_BODIES = [packet, frames] as const;

export type ParsedExplain =
  { readonly ok: true; readonly request: ExplainRequest } | { readonly ok: false; readonly message: string };

const EXAMPLE = '{"protocol":"tcp","client":"10.9.0.2:40000","cluster":"10.0.0.100:80"}';

/** The request in a body, or a sentence that says what was expected. */
export function parseExplain(text: string): ParsedExplain {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return { ok: false, message: `the body is not JSON; expected an object like ${EXAMPLE}` };
  }
  if (typeof raw === 'object' && raw !== null && 'frames' in raw) {
    const parsed = frames.safeParse(raw);
    if (!parsed.success) return { ok: false, message: sayWhy(parsed.error) };
    const bytes = parsed.data.frames.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
    return { ok: true, request: { kind: 'frames', frames: bytes } };
  }
  const parsed = packet.safeParse(raw);
  if (!parsed.success) return { ok: false, message: sayWhy(parsed.error) };
  const { client, cluster } = parsed.data;
  if (typeof client.address !== typeof cluster.address) {
    return { ok: false, message: 'client and cluster: expected both in IPv4 or both in IPv6' };
  }
  return { ok: true, request: { ...parsed.data, kind: 'packet', packet: parsed.data.packet } };
}

function sayWhy({ issues: [issue] }: z.ZodError): string {
  if (issue.code === 'unrecognized_keys') {
    return `the body knows no key ${issue.keys[0]}; it knows protocol, client, cluster, packet, or frames alone`;
  }
  return issue.path.length === 0 ? `the body: expected an object like ${EXAMPLE}` : issue.message;
}
