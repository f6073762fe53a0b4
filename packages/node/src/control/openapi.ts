/** The control API as an OpenAPI 3.1 document: `GET /openapi.json`, docs/openapi.json. */
import { z } from 'zod';
import { VERSION } from '../version.js';
import { EXPLAIN_BODIES } from './explainRequest.js';
import { SCHEMAS, type SchemaName } from './openapiSchemas.js';
import { ORDER_BODIES, RELOAD_BODY } from './requests.js';

type Document = Readonly<Record<string, unknown>>;

interface Operation {
  readonly method: 'get' | 'post';
  readonly summary: string;
  readonly query?: Readonly<Record<string, Document>>;
  readonly body?: Document;
  readonly bodyIsOptional?: boolean;
  /** JSON of this shape; absent: what `content` says. */
  readonly answer?: SchemaName;
  readonly content?: Document;
  /** Beside 400: statuses of refusals. */
  readonly refusals?: readonly number[];
}

const number = (minimum: number, maximum: number, fallback: number): Document => ({
  ...{ type: 'integer', minimum, maximum, default: fallback },
});
const LARGEST = 10 ** 15 - 1;
const bodyOf = (schema: z.ZodType): Document => z.toJSONSchema(schema, { io: 'input' });

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  '/status': { method: 'get', summary: 'Everything about the node.', answer: 'Status' },
  '/members': { method: 'get', summary: 'The members of the ring, in its order.', answer: 'Members' },
  '/connections': {
    method: 'get',
    summary: 'Connections that this node dispatches.',
    query: { limit: number(1, 1_000_000, 100) },
    answer: 'Connections',
  },
  '/history': {
    method: 'get',
    summary: 'The last quarter of an hour, a sample a second; those after a time in milliseconds since 1970.',
    query: { since: number(0, LARGEST, 0) },
    answer: 'History',
  },
  '/events': {
    method: 'get',
    summary:
      'What has happened since the event with this number, then what happens: an object a line, or Server-Sent Events.',
    query: { since: number(0, LARGEST, 0), follow: { type: 'boolean', default: true } },
    content: {
      'application/x-ndjson': { schema: { $ref: '#/components/schemas/Event' } },
      'text/event-stream': { schema: { type: 'string' } },
    },
    refusals: [503],
  },
  '/metrics': {
    method: 'get',
    summary: 'Metrics in the text format of Prometheus.',
    content: { 'text/plain': { schema: { type: 'string' } } },
  },
  '/openapi.json': {
    method: 'get',
    summary: 'This document.',
    content: { 'application/json': { schema: { type: 'object' } } },
  },
  '/drain': {
    method: 'post',
    summary: 'Gives members no new connections; at the deadline, if there is one, what is left is reset.',
    body: bodyOf(ORDER_BODIES.drain),
    answer: 'Orders',
    refusals: [409, 503],
  },
  '/undrain': {
    method: 'post',
    summary: 'Gives drained members new connections again.',
    body: bodyOf(ORDER_BODIES.undrain),
    answer: 'Orders',
    refusals: [409, 503],
  },
  '/abdicate': {
    method: 'post',
    summary: 'Hands the dispatching over to the next in line.',
    body: bodyOf(ORDER_BODIES.abdicate),
    answer: 'Orders',
    refusals: [409, 503],
  },
  '/reload': {
    method: 'post',
    summary:
      'Reads the configuration file anew: all of it is applied, or nothing; the answer says what differs.',
    body: bodyOf(RELOAD_BODY),
    bodyIsOptional: true,
    answer: 'Reload',
    refusals: [409, 503],
  },
  '/explain': {
    method: 'post',
    summary: 'What would become of a packet, in words or as captured, if it came now.',
    body: { anyOf: EXPLAIN_BODIES.map(bodyOf) },
    answer: 'Explanation',
  },
};

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'Not understood; the message says what was expected.',
  401: 'Over TCP: no token.',
  409: 'It cannot be done now; nothing was changed.',
  413: 'The body is too long.',
  503: 'Too many read events already, or too many orders wait; nothing was changed.',
};

const RETRY_AFTER: Document = {
  description: 'When to come again, in seconds.',
  schema: { type: 'integer', minimum: 1 },
};

function toOperation({
  method,
  summary,
  query = {},
  body,
  bodyIsOptional = false,
  answer,
  content,
  refusals = [],
}: Operation): Document {
  const answers = content ?? { 'application/json': { schema: { $ref: `#/components/schemas/${answer}` } } };
  const refused = [400, 401, ...refusals, ...(body === undefined ? [] : [413])].sort((a, b) => a - b);
  const problem = { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return {
    [method]: {
      summary,
      parameters: Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema })),
      ...(body && {
        requestBody: { required: !bodyIsOptional, content: { 'application/json': { schema: body } } },
      }),
      responses: {
        200: { description: 'Done.', content: answers },
        ...Object.fromEntries(
          refused.map((status) => [
            status,
            {
              description: REFUSALS[status],
              ...(status === 503 && method === 'post' && { headers: { 'Retry-After': RETRY_AFTER } }),
              content: problem,
            },
          ]),
        ),
      },
    },
  };
}

export function openApiDocument(): Document {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ringmaster control API',
      version: VERSION,
      description: 'HTTP over the Unix socket of a node, and over TCP with a token or a client certificate.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://node', description: 'The Unix socket control.socket, or control.listen.' }],
    security: [{ token: [] }, { certificate: [] }, {}],
    paths: Object.fromEntries(
      Object.entries(OPERATIONS).map(([path, operation]) => [path, toOperation(operation)]),
    ),
    components: {
      schemas: SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' }, certificate: { type: 'mutualTLS' } },
    },
  };
}

/** As it stands in docs/openapi.json. */
export const openApiText = (): string => `${JSON.stringify(openApiDocument(), undefined, 2)}\n`;
