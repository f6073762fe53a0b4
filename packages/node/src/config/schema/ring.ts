/** The ring, as it is written. */
import { z } from 'zod';
import { flag, milliseconds, oneOf, portNumber, text, whole } from './pieces.js';

/** What carries the ring: datagrams, or frames of its own EtherType. */
export const TRANSPORTS = ['udp', 'ethernet'] as const;

const RANK = 'a position in the order of addresses';
const rank = whole(1, 254, RANK);
const ELECTION = 'smallest, largest, { smallest: i } or { largest: i } with i from 1 to 254';
const election = z.union(
  [z.enum(['smallest', 'largest']), z.strictObject({ smallest: rank }), z.strictObject({ largest: rank })],
  { error: ELECTION },
);

const KEY_FILES = 'a path, or a list of 1 to 16 paths (the first seals, all of them open)';
const keyFile = z.union([text(KEY_FILES), z.array(text(KEY_FILES)).min(1).max(16)], { error: KEY_FILES });

const timers = {
  heartbeatIntervalMs: milliseconds(5, 10_000)
    .default(50)
    .meta({ description: 'How often the heartbeat goes round.' }),
  communicationTimeoutMs: milliseconds(20, 60_000).default(250).meta({
    description:
      'How long a silence counts as a failure; at least twice `heartbeatIntervalMs`. Lower finds a dead node sooner; higher forgives hosts that are busy.',
  }),
  broadcastTimeoutMs: milliseconds(10, 60_000).default(100).meta({
    description: 'How long the nodes have to answer a broadcast: so long the rebuilding of the ring takes.',
  }),
};

export const ring = z.strictObject(
  {
    transport: z
      .enum(TRANSPORTS, { error: oneOf(TRANSPORTS) })
      .default('udp')
      .meta({
        description:
          'What carries the ring, the same on all nodes: `udp`, or `ethernet` for [frames of its own](#the-ring-over-ethernet).',
      }),
    port: portNumber.default(7400).meta({
      description:
        'UDP and TCP port on which the nodes talk, the same on all of them (over Ethernet: TCP only). Open it between the nodes, and to nobody else.',
    }),
    keyFile: keyFile.optional().meta({
      'x-type': 'path, or list of 1 to 16 paths',
      'x-absent': 'required, unless `insecure`',
      description:
        'The shared secret. Nodes with different keys never mix, and a node without the key is never admitted. Either a path, or a list of paths while keys are changed: the first seals, all of them open.',
    }),
    insecure: flag.default(false).meta({
      description:
        '`true`: no key, and nothing is encrypted. Whoever reaches the port can take the cluster over. Excludes `keyFile`.',
    }),
    ...timers,
    election: election.default('smallest').meta({
      'x-type': '`smallest`, `largest`, or a mapping of one of these to a position, 1 to 254',
      description:
        'Who dispatches: the node with the `smallest` or the `largest` address (over Ethernet: MAC), or the second, third, ... of either: `{ smallest: 2 }`, `{ largest: 3 }`.',
    }),
    preempt: flag.default(true).meta({
      description:
        'Whether a preferred node that comes back takes over from a dispatcher that works. It does so only when it knows all connections.',
    }),
    holdDownMs: milliseconds(0, 3_600_000).default(0).meta({
      description:
        'How long it waits before it does. Keeps a node that fails again and again from taking over each time.',
    }),
    minimumMembers: whole(1, 254, 'a number of members').default(1).meta({
      description:
        'Quorum: with fewer members than this, nobody dispatches. With more than half of your nodes, a partition can never have two dispatchers; with `1`, the last node serves alone.',
    }),
  },
  { error: 'a mapping with keyFile (or insecure: true)' },
);
