/** What the control socket answers, apart from how the bytes come and go. */
import type { ConnectionsDocument, StatusDocument } from './status.js';

/** Where the answers come from. */
export interface ControlProviders {
  status(): StatusDocument;
  /** The connections that the dispatcher knows, at most `limit` of them. */
  connections(limit: number): Promise<ConnectionsDocument>;
}

export interface ControlAnswer {
  readonly status: 200 | 400 | 404 | 405 | 500;
  readonly body: unknown;
}

export const DEFAULT_CONNECTION_LIMIT = 100;
export const LARGEST_CONNECTION_LIMIT = 1_000_000;

const refusal = (status: 400 | 404 | 405 | 500, code: string, message: string): ControlAnswer => ({
  status,
  body: { error: { code, message } },
});

type Route = (query: URLSearchParams, providers: ControlProviders) => ControlAnswer | Promise<ControlAnswer>;

function statusRoute(_query: URLSearchParams, providers: ControlProviders): ControlAnswer {
  return { status: 200, body: providers.status() };
}

function membersRoute(_query: URLSearchParams, providers: ControlProviders): ControlAnswer {
  return { status: 200, body: { members: providers.status().ring.members } };
}

async function connectionsRoute(query: URLSearchParams, providers: ControlProviders): Promise<ControlAnswer> {
  const text = query.get('limit') ?? String(DEFAULT_CONNECTION_LIMIT);
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > LARGEST_CONNECTION_LIMIT) {
    const expected = `limit: expected a whole number from 1 to ${LARGEST_CONNECTION_LIMIT}`;
    return refusal(400, 'invalid', `${expected}, found ${JSON.stringify(text)}`);
  }
  return { status: 200, body: await providers.connections(limit) };
}

/** Path -> its query parameters and what answers it. All of them are read with GET. */
const ROUTES: ReadonlyMap<string, { readonly parameters: readonly string[]; readonly route: Route }> =
  new Map([
    ['/status', { parameters: [], route: statusRoute }],
    ['/members', { parameters: [], route: membersRoute }],
    ['/connections', { parameters: ['limit'], route: connectionsRoute }],
  ]);

/** Answers one request. Whatever is asked, the answer is a document; it never throws. */
export async function answer(
  method: string,
  target: string,
  providers: ControlProviders,
): Promise<ControlAnswer> {
  if (!URL.canParse(target, 'http://node')) return refusal(400, 'invalid', 'the path is not one');
  const { pathname, searchParams } = new URL(target, 'http://node');
  const entry = ROUTES.get(pathname);
  if (entry === undefined) {
    return refusal(404, 'unknown-path', `there is no ${pathname}; there is ${[...ROUTES.keys()].join(', ')}`);
  }
  if (method !== 'GET') return refusal(405, 'wrong-method', `${pathname} is read with GET, not ${method}`);
  const unknown = [...searchParams.keys()].find((name) => !entry.parameters.includes(name));
  if (unknown !== undefined) {
    const known = entry.parameters.length === 0 ? 'none' : entry.parameters.join(', ');
    return refusal(400, 'unknown-parameter', `${pathname} knows no parameter ${unknown}; it knows ${known}`);
  }
  try {
    return await entry.route(searchParams, providers);
  } catch (error) {
    return refusal(500, 'internal', `the node could not answer: ${(error as Error).message}`);
  }
}
