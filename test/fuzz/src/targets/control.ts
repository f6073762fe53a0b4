/** The control socket's routes: whatever is asked, the answer is a document. */
import { answer, type ControlProviders } from '../../../../packages/node/dist/control/routes.js';
import { Choices, must, type Target } from '../target.js';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', '', 'get', '\0'];
const STATUSES = new Set([200, 400, 404, 405, 500]);

const providers = {
  status: () => ({ ring: { members: [] } }),
  connections: async (limit: number) => {
    must(Number.isInteger(limit) && limit >= 1 && limit <= 1_000_000, `limit ${limit}`);
    return { connections: [] };
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
  ].map(word),
  async run(input) {
    const choices = new Choices(input);
    const method = choices.of(METHODS);
    const path = Buffer.from(choices.rest()).toString('utf8');
    const { status, body } = await answer(method, path, providers);
    must(STATUSES.has(status), `status ${status}`);
    must(status !== 500, `internal: ${JSON.stringify(body)}`);
    must(JSON.stringify(body).length < 16 * (path.length + 64), 'a document much larger than the question');
    if (status === 200) must(method === 'GET', `${method} was obeyed`);
  },
};
