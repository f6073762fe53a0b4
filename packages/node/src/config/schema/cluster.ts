/** Cluster addresses and their services, as they are written. */
import { SCHEDULER_NAMES } from '@ringmaster/dispatch';
import { z } from 'zod';
import { health } from './health.js';
import { flag, gatewayAddress, milliseconds, oneOf, portNumber, unicastAddress, whole } from './pieces.js';

/** Ways of dispatching: MAC rewriting, address rewriting, by content. */
export const MODES = ['l4/2', 'l4/3', 'l7'] as const;
/** Who gets a packet to: one dispatcher, that chooses; or all members, of which each takes its share of the clients. */
export const DISPATCHES = ['routed', 'broadcast'] as const;
export const PROTOCOLS = ['tcp', 'udp', 'all'] as const;
export const SCHEDULERS = SCHEDULER_NAMES;

const FIXED_SERVERS = 'a list of 1 to 64 servers, like [10.0.0.21, { address: 10.0.0.22, weight: 2 }]';
export const shareOfTheLoad = whole(1, 255, 'a share of the load').default(1);
const FIXED_SERVER = 'the address of a server, or a mapping like { address: 10.0.0.22, weight: 2 }';
const fixedServer = z
  .union(
    [
      unicastAddress,
      z.strictObject({
        address: unicastAddress.meta({ description: "The server's address, of the cluster's IP version." }),
        weight: shareOfTheLoad.meta({
          description: 'Its share of the load, the same at every port that names it.',
        }),
      }),
    ],
    { error: FIXED_SERVER },
  )
  .transform((written) => (typeof written === 'string' ? { address: written, weight: 1 } : written));

const AFFINITY = 'a mapping like { prefix4: 24, prefix6: 64, timeoutMs: 600000 }';
const affinity = z.strictObject(
  {
    prefix4: whole(1, 32, 'the leading bits of an IPv4 address that clients have in common')
      .default(32)
      .meta({
        description:
          "How many leading bits of its IPv4 address name a client's network. `24` keeps clients together that change their last number, behind several NAT gateways of one provider for example.",
      }),
    prefix6: whole(1, 128, 'the leading bits of an IPv6 address that clients have in common')
      .default(128)
      .meta({ description: 'The same for IPv6. Hosts of one network usually share 64.' }),
    timeoutMs: milliseconds(1000, 86_400_000)
      .default(600_000)
      .meta({ description: 'For how long after its last new connection a network stays with its server.' }),
  },
  { error: AFFINITY },
);

const servicePort = z.strictObject(
  {
    port: portNumber.meta({
      description:
        'The port that clients call. The service listens on it on every node, on all addresses or on the cluster address.',
    }),
    protocol: z
      .enum(PROTOCOLS, { error: oneOf(PROTOCOLS) })
      .default('tcp')
      .meta({ description: '`tcp`, `udp`, or `all` for both.' }),
    scheduler: z
      .enum(SCHEDULERS, { error: oneOf(SCHEDULERS) })
      .default('round-robin')
      .meta({
        description: 'Who gets the next connection; [docs/schedulers.md](schedulers.md) says which when.',
      }),
    targetPort: portNumber.optional().meta({
      'x-absent': 'the same port',
      description:
        "`l4/3` only: the port on which the servers listen. Over one IP version and protocol no two `l4/3` services may have the same, in whatever cluster: an answer shows the server's port, not the cluster's.",
    }),
    stateless: flag.default(false).meta({
      description:
        '`true`, with scheduler `source-hash` or `maglev` and without `affinity`: no connection is remembered, the server is worked out for each packet. Takes no memory and survives a takeover without a question; when the servers change, some connections change theirs and break.',
    }),
    servers: z
      .array(fixedServer, { error: FIXED_SERVERS })
      .min(1, { error: FIXED_SERVERS })
      .max(64, { error: FIXED_SERVERS })
      .optional()
      .meta({
        'x-absent': 'the members of the ring',
        description: '`l4/3` only: [servers outside the ring](#servers-outside-the-ring).',
      }),
    affinity: affinity.optional().meta({
      'x-absent': 'none',
      description:
        '[Clients of one network stay with one server](schedulers.md#affinity), whatever the scheduler, see [affinity](#affinity).',
    }),
    health: health.optional(),
  },
  { error: 'a mapping like { port: 80, protocol: tcp }' },
);

const PORTS = 'a list of 1 to 256 ports, like [{ port: 80, protocol: tcp }]';
export const cluster = z.strictObject(
  {
    address: unicastAddress.meta({
      description:
        'The address that clients call. IPv4 or IPv6. It belongs to no host: in `l4/2` the nodes put it on `lo` at their start and take it away at their end, and the dispatcher answers ARP (IPv6: neighbour discovery) for it with a virtual MAC. It must be routed to the network of `interface`, or of `outside` if there is one; the usual choice is a free address of that network. Two clusters need addresses that differ in the last three numbers (IPv6: the last six hexadecimal digits).',
    }),
    mode: z
      .enum(MODES, { error: oneOf(MODES) })
      .default('l4/2')
      .meta({
        description:
          'How packets reach the servers. `l4/2`: the dispatcher changes MAC addresses only, and the servers answer the clients directly. `l4/3`: it changes addresses (and ports), both ways: the answers come back through it, by the [ghost gateway](#l43-and-the-ghost-gateway). `l7` (by content) is not in this version.',
      }),
    dispatch: z
      .enum(DISPATCHES, { error: oneOf(DISPATCHES) })
      .default('routed')
      .meta({
        description:
          '`routed`: the dispatcher gets all packets of the clients and chooses a server for each connection. `broadcast`: [without a dispatcher](#broadcast-dispatch), in `l4/2`: every node gets them, and its kernel lets its share of the clients through. The same for all clusters.',
      }),
    gateway: gatewayAddress.optional().meta({
      'x-absent': 'none',
      description:
        "`l4/3` only, and required there: the [ghost gateway](#l43-and-the-ghost-gateway), a free address of the network of `interface` and of the cluster's IP version. Several clusters may share one.",
    }),
    ports: z.array(servicePort, { error: PORTS }).min(1, { error: PORTS }).max(256, { error: PORTS }).meta({
      description:
        'The services, see [ports](#ports). Everything else that is sent to the cluster address is dropped and counted.',
    }),
  },
  { error: 'a mapping with address, mode and ports' },
);
