/**
 * The configuration file as a zod schema. Rules that span several keys are in rules.ts, so that all problems can be listed at
 * once. The descriptions become docs/configuration.md and what editors show: `npm run docs`.
 */
import { z } from 'zod';
import { cluster, shareOfTheLoad } from './cluster.js';
import { control, metrics } from './control.js';
import { dashboard } from './dashboard.js';
import { dns } from './dns.js';
import { interfaceName, ipv4, milliseconds, oneOf, unicastAddress6, whole } from './pieces.js';
import { ring } from './ring.js';

export const CAPABILITIES = ['dispatch', 'serve'] as const;
const CAPABILITY_LIST = 'a list of dispatch, serve, or both';
const CLUSTERS = 'a list of 1 to 64 clusters, each with address and ports';

/** The file as it is written. */
export const fileSchema = z.strictObject(
  {
    interface: interfaceName.meta({
      description:
        'The network interface to the other nodes and to the router, as `ip link` shows it. It must be up and have an IPv4 address.',
    }),
    address: ipv4('an IPv4 address of the interface').optional().meta({
      'x-absent': 'first IPv4 address of `interface`',
      description:
        "Which address of the interface is this node's own. Members of the ring are ordered by it, so it says who is preferred as dispatcher (unless the ring runs over Ethernet). Never the cluster address.",
    }),
    address6: unicastAddress6.optional().meta({
      'x-absent': 'first global IPv6 address of `interface`',
      description: "Which IPv6 address of the interface is this node's own. Only `l4/3` over IPv6 needs one.",
    }),
    outside: z
      .strictObject(
        { interface: interfaceName.meta({ description: 'The interface towards the clients.' }) },
        {
          error: 'a mapping like { interface: eth1 }',
        },
      )
      .optional()
      .meta({
        'x-absent': 'none',
        description:
          "`{ interface: eth1 }`: a second interface, towards the clients. The cluster addresses are announced and answered for there, and the clients' packets come in there; `interface` carries the ring and what goes to the servers. In `l4/2` each server answers by its own routes, which should lead to the clients by the outer interface.",
      }),
    weight: shareOfTheLoad.meta({
      description:
        "This node's share of the load, for schedulers that weigh: see [docs/schedulers.md](schedulers.md).",
    }),
    slowStartMs: milliseconds(0, 3_600_000).default(0).meta({
      description:
        'How long a server takes to get its full share of new connections when it joins, returns to health or is undrained: from a 32nd, in a straight line. `0`: at once. [More](schedulers.md#slow-start)',
    }),
    capabilities: z
      .array(z.enum(CAPABILITIES, { error: oneOf(CAPABILITIES) }), { error: CAPABILITY_LIST })
      .min(1, { error: CAPABILITY_LIST })
      .default(['dispatch', 'serve'])
      .meta({
        'x-type': 'list of `dispatch`, `serve`, each once',
        description:
          'What this node may do. Without `dispatch` it is skipped in elections; without `serve` it is given no connections.',
      }),
    ring: ring.meta({ description: 'How the nodes know of each other, see [ring](#ring).' }),
    clusters: z
      .array(cluster, { error: CLUSTERS })
      .min(1, { error: CLUSTERS })
      .max(64, { error: CLUSTERS })
      .meta({ description: 'The cluster addresses and what is behind them, see [clusters](#clusters).' }),
    workers: whole(1, 16, 'a number of threads for packets').default(1).meta({
      description:
        'How many threads dispatch packets, each with its own share of the clients and of `maxConnections`. One is enough for several hundred thousand packets a second.',
    }),
    maxConnections: whole(1024, 16_777_216, 'a number of connections').default(1_048_576).meta({
      description:
        'How many connections the dispatcher remembers. One takes 48 bytes, reserved at the start. When all are taken, half-open connections make room first, then closing ones; an established one is never dropped for a new one.',
    }),
    control,
    dashboard,
    metrics,
    dns,
  },
  { error: 'a mapping with interface, ring and clusters' },
);

export type FileConfig = z.output<typeof fileSchema>;
