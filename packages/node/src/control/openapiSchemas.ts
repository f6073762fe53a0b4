/**
 * What the control API answers, in JSON Schema (2020-12). Only what is promised is named: nodes add keys, so none is closed.
 */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const number: Schema = { type: 'number' };
const count: Schema = { type: 'integer', minimum: 0 };
const flag: Schema = { type: 'boolean' };
const counts: Schema = { type: 'object', additionalProperties: number };
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const list = (items: Schema): Schema => ({ type: 'array', items });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const oneOf = (...words: string[]): Schema => ({ type: 'string', enum: words });

/** All of `properties` are always there; `more` may be. */
const object = (
  properties: Readonly<Record<string, Schema>>,
  more: Readonly<Record<string, Schema>> = {},
): Schema => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...more },
});

const role = oneOf('dispatcher', 'server', 'standalone');
const state = oneOf('halfOpen', 'established', 'closing');

const Member = object(
  { address: text, id: count, mac: text, role, active: flag },
  {
    lacks: list(text),
    drain: object({
      state: oneOf('draining', 'drained'),
      deadlineInMs: orNull(number),
      connections: orNull(count),
    }),
    weight: object({ configured: number, share: number, loadFactor: number, inForce: number }),
    load: object({
      ...{ connections: count, newPerSecond: number, acceptQueue: count, acceptQueueLimit: count },
      ...{ responseMs: orNull(number), ageMs: number },
    }),
  },
);

const Status = object(
  {
    ...{ address: text, id: count, role },
    ring: object({ createdAt: number, dispatcher: orNull(text), members: list(ref('Member')) }),
    connections: object(
      { total: count, halfOpen: count, established: count, closing: count },
      { limit: count },
    ),
    rebuild: object({ state: oneOf('idle', 'running', 'done'), percent: number, ms: number }),
    counters: {
      type: 'object',
      required: ['forwarded', 'held', 'dropped'],
      properties: { forwarded: count, held: count, dropped: counts },
      additionalProperties: { anyOf: [number, counts] },
    },
  },
  {
    health: list(
      object({
        ...{ check: text, state: oneOf('unknown', 'good', 'ill'), ok: orNull(flag) },
        ...{ responseMs: orNull(number), ageMs: orNull(number), lastFailure: orNull(text) },
      }),
    ),
    sharePercent: number,
    fixedServers: list(object({ address: text, mac: orNull(text), active: flag, why: orNull(text) })),
  },
);

const Connections = object({
  total: count,
  connections: list(
    object({
      client: text,
      cluster: text,
      protocol: oneOf('tcp', 'udp'),
      server: text,
      state,
      idleMs: number,
    }),
  ),
});

const History = object({
  intervalMs: count,
  samples: list(
    object({
      ...{
        atMs: count,
        connections: count,
        newPerSecond: count,
        framesPerSecond: count,
        droppedPerSecond: count,
      },
      ...{ members: count, dispatcher: orNull(text), failover: flag },
      servers: list(object({ address: text, connections: count })),
    }),
  ),
});

const Orders = object({
  servers: list(
    object({
      address: text,
      outcome: oneOf('done', 'already', 'notServing', 'notDispatching', 'noSuccessor', 'unanswered'),
    }),
  ),
});

const Change = object({ path: text, from: {}, to: {} });
const Reload = object({
  outcome: oneOf('applied', 'unchanged', 'checked'),
  changes: list(ref('Change')),
  warnings: list(text),
});

const Explanation = object({
  dispatching: flag,
  dispatcher: orNull(text),
  frames: list(
    object({
      ...{ verdict: text, reason: orNull(text), why: text, client: orNull(text), cluster: orNull(text) },
      ...{ protocol: orNull(oneOf('tcp', 'udp')), server: orNull(text), sent: orNull(text) },
      direction: orNull(oneOf('to-server', 'to-client')),
      connection: orNull(object({ server: text, state, idleMs: number, packets: count })),
      service: orNull(object({ scheduler: text, stateless: flag, servers: count, eligible: count })),
    }),
  ),
});

const Event = object({ seq: count, at: { type: 'string', format: 'date-time' }, kind: text, text });
const Problem = object({ error: object({ code: text, message: text }) }, { changes: list(ref('Change')) });

export const SCHEMAS = {
  ...{ Member, Status, Members: object({ members: list(ref('Member')) }), Connections, History, Event },
  ...{ Orders, Change, Reload, Explanation, Problem },
} as const;
export type SchemaName = keyof typeof SCHEMAS;
