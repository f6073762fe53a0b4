import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openApiDocument, openApiText, OPERATIONS } from '../../src/control/openapi.js';
import type { SchemaName } from '../../src/control/openapiSchemas.js';
import { answer, ROUTES, type ControlProviders } from '../../src/control/routes.js';
import type { StatusDocument } from '../../src/control/status.js';
import { History } from '../../src/history/history.js';

const ajv = new Ajv2020({ strict: false, formats: { ipv4: isIPv4, 'date-time': true } });
ajv.addSchema({ ...openApiDocument(), $id: 'api' });
const shapeOf = (name: SchemaName): ValidateFunction =>
  ajv.compile({ $ref: `api#/components/schemas/${name}` });

const STATUS: StatusDocument = {
  ...{ address: '10.0.0.11', id: 1, role: 'dispatcher' },
  ring: {
    ...{ createdAt: 1, dispatcher: null },
    members: [
      {
        ...{ address: '10.0.0.11', id: 1, mac: '02:00:00:00:00:11', role: 'dispatcher', active: true },
        drain: { state: 'draining', deadlineInMs: null, connections: 3 },
        weight: { configured: 1, share: 1, loadFactor: 1, inForce: 1 },
        load: {
          connections: 1,
          newPerSecond: 1,
          acceptQueue: 0,
          acceptQueueLimit: 1,
          responseMs: null,
          ageMs: 1,
        },
      },
    ],
  },
  connections: { total: 2, halfOpen: 0, established: 2, closing: 0, limit: 10 },
  rebuild: { state: 'idle', percent: 0, ms: 0 },
  health: [{ check: 'x', state: 'ill', ok: false, responseMs: 1, ageMs: 1, lastFailure: 'y' }],
  fixedServers: [{ address: '10.0.0.21', mac: null, active: false, why: 'unseen' }],
  counters: { forwarded: 10, held: 0, dropped: { unknownConnection: 1 }, routed: { sent: 1 } },
};
const history = new History();
history.take(STATUS, 1_000_000, 0);
const PROVIDERS = {
  status: () => STATUS,
  history,
  metrics: { contentType: 'text/plain', text: async () => 'x 1\n' },
  connections: async () => ({
    total: 1,
    connections: [
      {
        client: '10.9.0.2:1',
        cluster: '10.0.0.100:80',
        protocol: 'tcp',
        server: '10.0.0.12',
        state: 'closing',
        idleMs: 1,
      },
    ],
  }),
  reload: async ({ dryRun }: { dryRun: boolean }) => ({
    ok: true,
    document: {
      outcome: dryRun ? 'checked' : 'applied',
      changes: [{ path: 'weight', from: null, to: 2 }],
      warnings: ['a key is open'],
    },
  }),
  order: async () => ({ ok: true, document: { servers: [{ address: '10.0.0.12', outcome: 'done' }] } }),
  explain: async () => ({
    ok: true,
    document: {
      ...{ dispatching: true, dispatcher: '10.0.0.11' },
      frames: [
        {
          ...{
            verdict: 'drop',
            reason: 'noServer',
            why: 'none',
            client: null,
            cluster: null,
            protocol: null,
          },
          ...{ direction: 'to-server', server: null, connection: null, service: null, sent: null },
        },
      ],
    },
  }),
} as unknown as ControlProviders;

const BODIES: Readonly<Record<string, unknown>> = {
  '/drain': { addresses: ['10.0.0.12'], deadlineMs: 5 },
  '/undrain': { addresses: ['10.0.0.12'] },
  '/abdicate': { addresses: ['10.0.0.11'] },
  '/reload': { dryRun: true },
  '/explain': { protocol: 'tcp', client: '10.9.0.2:1', cluster: '10.0.0.100:80' },
};

describe('the OpenAPI document', () => {
  it('is the one in docs: `npm run docs` writes it', () => {
    const file = new URL('../../../../docs/openapi.json', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(openApiText());
  });

  it('has every route, its method and its parameters, and no other', () => {
    const routes = [...ROUTES].map(([path, { method, parameters }]) => [
      path,
      method.toLowerCase(),
      [...parameters],
    ]);
    const told = Object.entries(OPERATIONS).map(([path, { method, query = {} }]) => [
      path,
      method,
      Object.keys(query),
    ]);
    expect(new Set(told.map(String))).toEqual(new Set(routes.map(String)));
  });

  it.each(Object.keys(OPERATIONS))('%s answers what it says', async (path) => {
    const { method, answer: name, body } = OPERATIONS[path]!;
    const sent = BODIES[path];
    expect(sent !== undefined).toBe(body !== undefined);
    if (body !== undefined) expect(ajv.validate(body, sent)).toBe(true);
    const posted = sent === undefined ? '' : JSON.stringify(sent);
    const answered = await answer(method.toUpperCase(), path, posted, PROVIDERS);
    expect(answered.status).toBe(200);
    if (name === undefined) return;
    const isOfShape = shapeOf(name);
    expect({ fits: isOfShape(answered.body), errors: isOfShape.errors }).toEqual({
      fits: true,
      errors: null,
    });
    expect(isOfShape({})).toBe(false);
  });

  it('says how refusals look', async () => {
    const isProblem = shapeOf('Problem');
    for (const [method, path, body] of [
      ['GET', '/nowhere', ''],
      ['POST', '/status', ''],
      ['POST', '/drain', '{}'],
      ['GET', '/connections?limit=x', ''],
    ] as const) {
      expect(isProblem((await answer(method, path, body, PROVIDERS)).body)).toBe(true);
    }
  });
});
