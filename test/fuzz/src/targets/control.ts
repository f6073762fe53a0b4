/** The control socket's routes: whatever is asked or posted, the answer is a document. */
import { isIPv4 } from 'node:net';
import type { OrderRequest } from '../../../../packages/node/dist/control/index.js';
import { answer, type ControlProviders } from '../../../../packages/node/dist/control/routes.js';
import { Choices, must, type Target } from '../target.js';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', '', 'get', '\0'];
const STATUSES = new Set([200, 400, 404, 405, 409, 500]);

const providers = {
  status: () => ({ ring: { members: [] } }),
  connections: async (limit: number) => {
    must(Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000, `limit ${limit}`);
    return { connections: [] };
  },
  order: async ({ addresses, durationMs }: OrderRequest) => {
    must(addresses.length >= 1 && addresses.length <= 254 && addresses.every(isIPv4), 'addresses');
    must(
      durationMs === undefined || (Number.isInteger(durationMs) && durationMs >= 0),
      `duration ${durationMs}`,
    );
    return { ok: true, document: { servers: [] } };
  },
} as unknown as ControlProviders;

const asked = (method: number, text: string): Uint8Array => Uint8Array.from([method, ...Buffer.from(text)]);
const word = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

export const target: Target = {
  maxBytes: 256,
  seeds: () => [
    asked(0, '/status'),
    asked(0, '/members'),
    asked(0, '/connections?limit=10'),
    asked(0, '/connections?limit=-1&x=%zz'),
    asked(1, 'http://[::1]:99999/status#'),
    asked(0, '//status'),
    asked(1, '/drain\n{"addresses":["10.0.0.11"],"deadlineMs":60000}'),
    asked(1, '/undrain\n{"addresses":["10.0.0.11"]}'),
    asked(1, '/abdicate\n{"addresses":["10.0.0.11"],"forMs":1}'),
  ],
  dictionary: [
    '/',
    '//',
    '/../',
    '?limit=',
    '&',
    '#',
    '%',
    '%00',
    'http://',
    '@',
    '[',
    'status',
    'connections',
    '\n{',
    '"addresses":',
    '__proto__',
    'null',
  ].map(word),
  async run(input) {
    const choices = new Choices(input);
    const method = choices.of(METHODS);
    // What follows a line feed is the body.
    const [path, ...posted] = Buffer.from(choices.rest()).toString('utf8').split('\n');
    const { status, body } = await answer(method, path, posted.join('\n'), providers);
    must(STATUSES.has(status), `status ${status}`);
    must(status !== 500, `internal: ${JSON.stringify(body)}`);
    const size = path.length + posted.join().length;
    must(JSON.stringify(body).length < 16 * (size + 64), 'a document much larger than the question');
    if (status === 200) must(method === 'GET' || method === 'POST', `${method} was obeyed`);
  },
};
