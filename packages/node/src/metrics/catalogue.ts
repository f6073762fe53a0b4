/**
 * What is measured, and where it is read from: the status document, at each scrape. Names follow the conventions of
 * Prometheus: base units, `_total` for what only grows. docs/metrics.md lists them; names and labels are part of the interface.
 */
import type { StatusDocument } from '../control/index.js';

export type MetricType = 'counter' | 'gauge';
/** A value, and those of its labels, by name. */
export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];

export interface Metric {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels?: readonly string[];
  /** None: there is nothing to say at present. */
  readonly read: (status: StatusDocument) => readonly Sample[];
}

type Counts = Readonly<Record<string, number>>;

const CONNECTION_STATES = { halfOpen: 'half_open', established: 'established', closing: 'closing' } as const;
const ROLES = ['dispatcher', 'server', 'standalone'] as const;

/** `packetsReceived` -> `packets_received` */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A counter of the status document: a number. */
const count =
  (name: string) =>
  ({ counters }: StatusDocument): readonly Sample[] => {
    const value = counters[name];
    return typeof value === 'number' ? [[value]] : [];
  };

/** A group of counters of the status document, one a label. */
const group =
  (name: string, label: string) =>
  ({ counters }: StatusDocument): readonly Sample[] => {
    const values = counters[name];
    if (typeof values !== 'object') return [];
    return Object.entries(values).map(([key, value]) => [value, { [label]: snake(key) }]);
  };

const seconds = (ms: number): number => ms / 1000;
const flag = (is: boolean): number => (is ? 1 : 0);

const RING: readonly Metric[] = [
  {
    name: 'ringmaster_role',
    type: 'gauge',
    help: '1 for the role that the node has at present.',
    labels: ['role'],
    read: ({ role }) => ROLES.map((each) => [flag(each === role), { role: each }]),
  },
  {
    name: 'ringmaster_ring_members',
    type: 'gauge',
    help: 'Members of the ring, this node included, that serve (active) or do not.',
    labels: ['state'],
    read: ({ ring: { members } }) => {
      const active = members.filter((member) => member.active).length;
      return [
        [active, { state: 'active' }],
        [members.length - active, { state: 'inactive' }],
      ];
    },
  },
  {
    name: 'ringmaster_ring_has_dispatcher',
    type: 'gauge',
    help: '1 while this node knows who dispatches, 0 while nobody does.',
    read: ({ ring: { dispatcher } }) => [[flag(dispatcher !== null)]],
  },
  {
    name: 'ringmaster_ring_created_timestamp_seconds',
    type: 'gauge',
    help: 'When the ring was made; changes when it was purged and made anew.',
    read: ({ ring: { createdAt } }) => [[seconds(createdAt)]],
  },
  {
    name: 'ringmaster_ring_events_total',
    type: 'counter',
    help: 'What the ring protocol counts: purges, repairs, pauses, expulsions, packets, heartbeats.',
    labels: ['event'],
    read: group('ring', 'event'),
  },
  {
    name: 'ringmaster_ring_refused_total',
    type: 'counter',
    help: 'Ring packets refused before the protocol saw them: forged, replayed, of another cluster.',
    labels: ['reason'],
    read: group('ringRefused', 'reason'),
  },
  {
    name: 'ringmaster_ring_socket_errors_total',
    type: 'counter',
    help: "Troubles of the ring's socket.",
    labels: ['kind'],
    read: group('ringSocket', 'kind'),
  },
];

const MEMBERS: readonly Metric[] = [
  {
    name: 'ringmaster_member_connections',
    type: 'gauge',
    help: 'Open connections that a member tells of its services.',
    labels: ['member'],
    read: ({ ring: { members } }) =>
      members.flatMap(({ address, load }): Sample[] =>
        load ? [[load.connections, { member: address }]] : [],
      ),
  },
  {
    name: 'ringmaster_member_accept_queue',
    type: 'gauge',
    help: 'Connections that wait at a member to be accepted.',
    labels: ['member'],
    read: ({ ring: { members } }) =>
      members.flatMap(({ address, load }): Sample[] =>
        load ? [[load.acceptQueue, { member: address }]] : [],
      ),
  },
  {
    name: 'ringmaster_member_weight',
    type: 'gauge',
    help: 'The share of new connections that a member is given.',
    labels: ['member'],
    read: ({ ring: { members } }) =>
      members.flatMap(({ address, weight }): Sample[] =>
        weight ? [[weight.inForce, { member: address }]] : [],
      ),
  },
  {
    name: 'ringmaster_member_drained',
    type: 'gauge',
    help: '1 while an operator drains the member.',
    labels: ['member'],
    read: ({ ring: { members } }) =>
      members.map(({ address, drain }) => [flag(drain !== undefined), { member: address }]),
  },
  {
    name: 'ringmaster_fixed_server_active',
    type: 'gauge',
    help: '1 while a server outside the ring is given connections.',
    labels: ['server'],
    read: ({ fixedServers = [] }) =>
      fixedServers.map(({ address, active }) => [flag(active), { server: address }]),
  },
];

const DISPATCH: readonly Metric[] = [
  {
    name: 'ringmaster_frames_total',
    type: 'counter',
    help: 'Frames by what became of them; dropped ones are in ringmaster_frames_dropped_total.',
    labels: ['verdict'],
    read: ({ counters }) =>
      ['forwarded', 'local', 'answered', 'held'].flatMap((verdict): Sample[] => {
        const value = counters[verdict];
        return typeof value === 'number' ? [[value, { verdict }]] : [];
      }),
  },
  {
    name: 'ringmaster_frames_dropped_total',
    type: 'counter',
    help: 'Frames that were dropped, by reason.',
    labels: ['reason'],
    read: ({ counters: { dropped } }) =>
      Object.entries(dropped).map(([reason, value]) => [value, { reason: snake(reason) }]),
  },
  {
    name: 'ringmaster_dispatch_events_total',
    type: 'counter',
    help: 'What happens to connections: scheduled, expired, evicted, entered from a report, and so on.',
    labels: ['event'],
    read: group('events', 'event'),
  },
  {
    name: 'ringmaster_connections',
    type: 'gauge',
    help: 'Connections in the map of this node.',
    labels: ['state'],
    read: ({ connections }) =>
      (['halfOpen', 'established', 'closing'] as const).map((state) => [
        connections[state],
        { state: CONNECTION_STATES[state] },
      ]),
  },
  {
    name: 'ringmaster_connections_limit',
    type: 'gauge',
    help: 'Connections that the map of this node has room for.',
    read: ({ connections: { limit } }) => (limit === undefined ? [] : [[limit]]),
  },
  {
    name: 'ringmaster_rebuild_running',
    type: 'gauge',
    help: '1 while this node learns the connections of the others.',
    read: ({ rebuild: { state } }) => [[flag(state === 'running')]],
  },
  {
    name: 'ringmaster_rebuild_progress_ratio',
    type: 'gauge',
    help: 'How much of that is done, 0 to 1.',
    read: ({ rebuild: { percent } }) => [[percent / 100]],
  },
  {
    name: 'ringmaster_rebuild_duration_seconds',
    type: 'gauge',
    help: 'How long the last one took, or the running one has taken.',
    read: ({ rebuild: { ms } }) => [[seconds(ms)]],
  },
];

const DATA_PLANE: readonly Metric[] = [
  {
    name: 'ringmaster_dataplane_frames_total',
    type: 'counter',
    help: 'Frames that a worker has taken from its rings.',
    labels: ['worker'],
    read: group('framesByWorker', 'worker'),
  },
  {
    name: 'ringmaster_dataplane_batches_total',
    type: 'counter',
    help: 'Turns in which they were taken.',
    read: count('batches'),
  },
  {
    name: 'ringmaster_dataplane_ring_dropped_total',
    type: 'counter',
    help: 'Frames that found the packet ring full: they came faster than the node takes them.',
    read: count('ringBufferDropped'),
  },
  {
    name: 'ringmaster_dataplane_handshakes_dropped_total',
    type: 'counter',
    help: 'The same of the ring for handshakes: a SYN flood.',
    read: count('handshakesDropped'),
  },
  {
    name: 'ringmaster_dataplane_routed_total',
    type: 'counter',
    help: "Packets left to the host's routing because their next hop was not known, by what became of them.",
    labels: ['outcome'],
    read: group('routed', 'outcome'),
  },
];

const HEALTH: readonly Metric[] = [
  {
    name: 'ringmaster_health_check_ok',
    type: 'gauge',
    help: '1 while a check of this node says that its service works.',
    labels: ['check'],
    read: ({ health = [] }) => health.map(({ check, state }) => [flag(state === 'good'), { check }]),
  },
  {
    name: 'ringmaster_health_check_response_seconds',
    type: 'gauge',
    help: 'How long the last answer took.',
    labels: ['check'],
    read: ({ health = [] }) =>
      health.flatMap(({ check, responseMs }): Sample[] =>
        responseMs === null ? [] : [[seconds(responseMs), { check }]],
      ),
  },
  {
    name: 'ringmaster_drain_ended_connections_total',
    type: 'counter',
    help: 'Connections that were reset at the deadlines of drains of this node.',
    read: ({ counters: { drain } }) => {
      const { ended } = (drain ?? {}) as Counts;
      return ended === undefined ? [] : [[ended]];
    },
  },
];

export const CATALOGUE: readonly Metric[] = [...RING, ...MEMBERS, ...DISPATCH, ...DATA_PLANE, ...HEALTH];
