/**
 * The configuration file as a zod schema. Every error text here completes the sentence "expected ...":
 * `problemsOf` in problems.ts puts the place and the found value around it.
 */
import { SCHEDULER_NAMES } from '@ringmaster/dispatch';
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { canonicalAddress } from './address.js';

/** Ways of dispatching: MAC rewriting, address rewriting, by content. */
export const MODES = ['l4/2', 'l4/3', 'l7'] as const;
export const PROTOCOLS = ['tcp', 'udp', 'all'] as const;
export const CAPABILITIES = ['dispatch', 'serve'] as const;
export const SCHEDULERS = SCHEDULER_NAMES;

const oneOf = (words: readonly string[]): string => `one of ${words.join(', ')}`;

function whole(min: number, max: number, what: string) {
  const error = `${what} (a whole number from ${min} to ${max})`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

const milliseconds = (min: number, max: number) => whole(min, max, 'milliseconds');

const portNumber = whole(1, 65535, 'a port number');

const text = (error: string) => z.string({ error }).min(1, { error });

/** IFNAMSIZ is 16 with the closing zero; the kernel refuses slashes, colons and blanks. */
const interfaceName = z
  .string({ error: 'the name of a network interface, as `ip link` shows it' })
  .regex(/^[^\s/:]{1,15}$/, { error: 'the name of a network interface, as `ip link` shows it' });

const ipv4 = (error: string) => z.string({ error }).refine(isIPv4, { error });

/**
 * An address that hosts can own and others can call: not unspecified, loopback, multicast, broadcast or link-local, nor an
 * IPv4 address in the clothes of IPv6.
 */
function isUnicast(address: string): boolean {
  if (isIPv4(address)) {
    const [first, second] = address.split('.').map(Number);
    return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254);
  }
  return isIPv6(address) && !/^(::(1?$|ffff:)|ff|fe[89ab]|.*%)/i.test(canonicalAddress(address) ?? '%');
}

const ADDRESS = 'an IPv4 or IPv6 unicast address, like 10.0.0.100';
const unicastAddress = z.string({ error: ADDRESS }).refine(isUnicast, { error: ADDRESS });

const isLinkLocal = (address: string): boolean =>
  isIPv6(address) && /^fe[89ab][0-9a-f]:[^%]*$/i.test(address);
const GATEWAY = 'an IPv4 or IPv6 address of the network of interface, like 10.0.0.1';
const gatewayAddress = z
  .string({ error: GATEWAY })
  .refine((address) => isUnicast(address) || isLinkLocal(address), { error: GATEWAY });

function isHttpUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '';
}

/** `host:port` or `[v6]:port`. */
function isHostAndPort(value: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(value);
  if (match === null) return false;
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 && (match[1] === undefined || isIPv6(match[1]));
}

const HTTP_URL = 'an http or https URL, like http://127.0.0.1:80/';
const HOST_PORT = 'a host and a port, like 127.0.0.1:80';

const COMMAND = 'a program and its arguments, 1 to 64 texts, like [/usr/local/bin/check, --fast]';
const STATUS = 'a status (100 to 599), a range like 200-399, or a list of these';
const TRUE_OR_FALSE = 'true or false';
const SERVER_NAME = 'a host name, like www.example.org';

/** `204`, `200-399` */
function toStatusRange(written: number | string): { from: number; to: number } {
  const [from, to = from] = String(written).split('-').map(Number);
  return { from, to };
}

const isStatusRange = (written: unknown): written is number | string => {
  if (typeof written !== 'number' && !(typeof written === 'string' && /^\d{3}(-\d{3})?$/.test(written)))
    return false;
  const { from, to } = toStatusRange(written);
  return Number.isInteger(from) && from >= 100 && from <= to && to <= 599;
};
const statusRange = z.custom<number | string>(isStatusRange, { error: STATUS });
const statusRanges = z
  .union([statusRange, z.array(statusRange).min(1, { error: STATUS }).max(64, { error: STATUS })], {
    error: STATUS,
  })
  .transform((written) => [written].flat().map(toStatusRange));

const health = z.strictObject(
  {
    http: z.string({ error: HTTP_URL }).refine(isHttpUrl, { error: HTTP_URL }).optional(),
    tcp: z.string({ error: HOST_PORT }).refine(isHostAndPort, { error: HOST_PORT }).optional(),
    command: z
      .array(text(COMMAND), { error: COMMAND })
      .min(1, { error: COMMAND })
      .max(64, { error: COMMAND })
      .optional(),
    status: statusRanges.optional(),
    insecure: z.boolean({ error: TRUE_OR_FALSE }).optional(),
    serverName: z
      .string({ error: SERVER_NAME })
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/, { error: SERVER_NAME })
      .optional(),
    intervalMs: milliseconds(50, 3_600_000).default(1000),
    timeoutMs: milliseconds(10, 60_000).default(1000),
    rise: whole(1, 100, 'how many good answers in a row bring the node back').default(2),
    fall: whole(1, 100, 'how many bad answers in a row take the node out').default(3),
  },
  { error: 'a mapping with http, tcp or command, and optionally intervalMs, timeoutMs, rise, fall' },
);

const FIXED_SERVERS = 'a list of 1 to 64 servers, like [10.0.0.21, { address: 10.0.0.22, weight: 2 }]';
const shareOfTheLoad = whole(1, 255, 'a share of the load').default(1);
const FIXED_SERVER = 'the address of a server, or a mapping like { address: 10.0.0.22, weight: 2 }';
const fixedServer = z
  .union([unicastAddress, z.strictObject({ address: unicastAddress, weight: shareOfTheLoad })], {
    error: FIXED_SERVER,
  })
  .transform((written) => (typeof written === 'string' ? { address: written, weight: 1 } : written));

const AFFINITY = 'a mapping like { prefix4: 24, prefix6: 64, timeoutMs: 600000 }';
const affinity = z.strictObject(
  {
    prefix4: whole(1, 32, 'the leading bits of an IPv4 address that clients have in common').default(32),
    prefix6: whole(1, 128, 'the leading bits of an IPv6 address that clients have in common').default(128),
    timeoutMs: milliseconds(1000, 86_400_000).default(600_000),
  },
  { error: AFFINITY },
);

const servicePort = z.strictObject(
  {
    port: portNumber,
    protocol: z.enum(PROTOCOLS, { error: oneOf(PROTOCOLS) }).default('tcp'),
    scheduler: z.enum(SCHEDULERS, { error: oneOf(SCHEDULERS) }).default('round-robin'),
    targetPort: portNumber.optional(),
    stateless: z.boolean({ error: TRUE_OR_FALSE }).default(false),
    servers: z
      .array(fixedServer, { error: FIXED_SERVERS })
      .min(1, { error: FIXED_SERVERS })
      .max(64, { error: FIXED_SERVERS })
      .optional(),
    affinity: affinity.optional(),
    health: health.optional(),
  },
  { error: 'a mapping like { port: 80, protocol: tcp }' },
);

const PORTS = 'a list of 1 to 256 ports, like [{ port: 80, protocol: tcp }]';
const cluster = z.strictObject(
  {
    address: unicastAddress,
    mode: z.enum(MODES, { error: oneOf(MODES) }).default('l4/2'),
    gateway: gatewayAddress.optional(),
    ports: z.array(servicePort, { error: PORTS }).min(1, { error: PORTS }).max(256, { error: PORTS }),
  },
  { error: 'a mapping with address, mode and ports' },
);

const RANK = 'a position in the order of addresses';
const rank = whole(1, 254, RANK);
const ELECTION = 'smallest, largest, { smallest: i } or { largest: i } with i from 1 to 254';
const election = z.union(
  [z.enum(['smallest', 'largest']), z.strictObject({ smallest: rank }), z.strictObject({ largest: rank })],
  { error: ELECTION },
);

const KEY_FILES = 'a path, or a list of 1 to 16 paths (the first seals, all of them open)';
const keyFile = z.union([text(KEY_FILES), z.array(text(KEY_FILES)).min(1).max(16)], { error: KEY_FILES });

/** What carries the ring: datagrams, or frames of its own EtherType. */
export const TRANSPORTS = ['udp', 'ethernet'] as const;

const ring = z.strictObject(
  {
    transport: z.enum(TRANSPORTS, { error: oneOf(TRANSPORTS) }).default('udp'),
    port: portNumber.default(7400),
    keyFile: keyFile.optional(),
    insecure: z.boolean({ error: TRUE_OR_FALSE }).default(false),
    heartbeatIntervalMs: milliseconds(5, 10_000).default(50),
    communicationTimeoutMs: milliseconds(20, 60_000).default(250),
    broadcastTimeoutMs: milliseconds(10, 60_000).default(100),
    election: election.default('smallest'),
    preempt: z.boolean({ error: TRUE_OR_FALSE }).default(true),
    holdDownMs: milliseconds(0, 3_600_000).default(0),
    minimumMembers: whole(1, 254, 'a number of members').default(1),
  },
  { error: 'a mapping with keyFile (or insecure: true)' },
);

const CAPABILITY_LIST = 'a list of dispatch, serve, or both';
const CLUSTERS = 'a list of 1 to 64 clusters, each with address and ports';

/** The file as it is written. Cross-key rules are in rules.ts, so that all problems can be listed at once. */
export const fileSchema = z.strictObject(
  {
    interface: interfaceName,
    address: ipv4('an IPv4 address of the interface').optional(),
    address6: unicastAddress.refine(isIPv6, { error: 'an IPv6 address of the interface' }).optional(),
    outside: z
      .strictObject({ interface: interfaceName }, { error: 'a mapping like { interface: eth1 }' })
      .optional(),
    weight: shareOfTheLoad,
    slowStartMs: milliseconds(0, 3_600_000).default(0),
    capabilities: z
      .array(z.enum(CAPABILITIES, { error: oneOf(CAPABILITIES) }), { error: CAPABILITY_LIST })
      .min(1, { error: CAPABILITY_LIST })
      .default(['dispatch', 'serve']),
    ring,
    clusters: z.array(cluster, { error: CLUSTERS }).min(1, { error: CLUSTERS }).max(64, { error: CLUSTERS }),
    workers: whole(1, 16, 'a number of threads for packets').default(1),
    maxConnections: whole(1024, 16_777_216, 'a number of connections').default(1_048_576),
    control: z
      .strictObject(
        { socket: text('the path of a Unix socket').default('/run/ringmaster.sock') },
        { error: 'a mapping with socket' },
      )
      .prefault({}),
  },
  { error: 'a mapping with interface, ring and clusters' },
);

export type FileConfig = z.output<typeof fileSchema>;

/** What a schema is about, without defaults and the like around it; of several ways of writing the one that is a mapping. */
function bare(schema: unknown): unknown {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      inner = inner.unwrap();
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.in;
    } else if (inner instanceof z.ZodUnion) {
      inner = inner.options.find((option) => option instanceof z.ZodObject);
    } else return inner;
  }
}

/** The keys that may stand in the mapping at `path`, or none when no mapping may stand there. */
export function keysAt(path: readonly (string | number)[]): string[] {
  let schema: unknown = fileSchema;
  for (const step of path) {
    schema = bare(schema);
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = schema.shape[step];
    else return [];
  }
  const mapping = bare(schema);
  return mapping instanceof z.ZodObject ? Object.keys(mapping.shape) : [];
}
