/** What the control socket answers, apart from how the bytes come and go. */
import type { History } from '../history/history.js';
import type { Metrics } from '../metrics/metrics.js';
import type { EventSource, StreamRequest } from './eventStream.js';
import { type ExplainRequest, parseExplain } from './explainRequest.js';
import { openApiDocument } from './openapi.js';
import { LARGEST_BODY_BYTES, type OrderAction, parseOrder, parseReload } from './requests.js';
import type {
  ConnectionsDocument,
  ExplainAnswer,
  OrderDocument,
  OrderRequest,
  ReloadAnswer,
  ReloadRequest,
  StatusDocument,
} from './status.js';

/** Where the answers come from. */
export interface ControlProviders {
  status(): StatusDocument;
  /** The connections that the dispatcher knows, at most `limit` of them. */
  connections(limit: number): Promise<ConnectionsDocument>;
  /** Does what an operator asks. Not `ok`: one of the nodes is not in the ring, or too many orders wait; nothing was changed. */
  order(request: OrderRequest): Promise<OrderAnswerDocument>;
  /** Reads the configuration anew. */
  reload(request: ReloadRequest): Promise<ReloadAnswer>;
  /** Says what would become of packets. */
  explain(request: ExplainRequest): Promise<ExplainAnswer>;
  /** What has happened to this node, and what will. */
  readonly events: EventSource;
  readonly history: Pick<History, 'document'>;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
}

export type OrderAnswerDocument =
  | { readonly ok: true; readonly document: OrderDocument }
  | {
      readonly ok: false;
      readonly message: string;
      /** There: too much is asked at once, and this is when to come again, in seconds. */
      readonly retryAfterS?: number;
    };

export interface ControlAnswer {
  readonly status: 200 | 400 | 404 | 405 | 409 | 413 | 500 | 503;
  readonly body: unknown;
  /** With 405: the method that works. */
  readonly allow?: string;
  /** With 503: when to come again, in seconds. */
  readonly retryAfterS?: number;
  /** Instead of the body: text of this type. */
  readonly text?: { readonly type: string; readonly text: string };
  /** Instead of the body: events. */
  readonly stream?: StreamRequest;
}

export const DEFAULT_CONNECTION_LIMIT = 100;
export const LARGEST_CONNECTION_LIMIT = 1_000_000;

const refusal = (
  status: Exclude<ControlAnswer['status'], 200>,
  code: string,
  message: string,
): ControlAnswer => ({
  status,
  body: { error: { code, message } },
});

export const tooManyStreams = refusal(503, 'busy', 'too many are reading the events of this node already');
export const tooLarge = refusal(413, 'too-large', `the body is longer than ${LARGEST_BODY_BYTES} bytes`);

type Route = (
  query: URLSearchParams,
  providers: ControlProviders,
  body: string,
) => ControlAnswer | Promise<ControlAnswer>;

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

/** The parameter `since`, or the refusal that says what it should have been. */
function sinceOf(query: URLSearchParams, what: string): number | ControlAnswer {
  const text = query.get('since') ?? '0';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return refusal(400, 'invalid', `since: expected ${what}, found ${JSON.stringify(text)}`);
}

function eventsRoute(query: URLSearchParams): ControlAnswer {
  const since = sinceOf(query, 'the number of an event');
  if (typeof since !== 'number') return since;
  const follow = query.get('follow') ?? 'true';
  if (follow !== 'true' && follow !== 'false') {
    return refusal(400, 'invalid', `follow: expected true or false, found ${JSON.stringify(follow)}`);
  }
  return { status: 200, body: undefined, stream: { since, follow: follow === 'true' } };
}

function historyRoute(query: URLSearchParams, { history }: ControlProviders): ControlAnswer {
  const since = sinceOf(query, 'milliseconds since 1970');
  return typeof since === 'number' ? { status: 200, body: history.document(since) } : since;
}

async function metricsRoute(_query: URLSearchParams, { metrics }: ControlProviders): Promise<ControlAnswer> {
  return { status: 200, body: undefined, text: { type: metrics.contentType, text: await metrics.text() } };
}

function orderRoute(action: OrderAction): Route {
  return async (_query, providers, text) => {
    const parsed = parseOrder(action, text);
    if (!parsed.ok) return refusal(400, 'invalid', parsed.message);
    const result = await providers.order(parsed.order);
    if (result.ok) return { status: 200, body: result.document };
    const { message, retryAfterS } = result;
    if (retryAfterS === undefined) return refusal(409, 'not-in-ring', message);
    return { ...refusal(503, 'busy', message), retryAfterS };
  };
}

const reloadRoute: Route = async (_query, providers, text) => {
  const parsed = parseReload(text);
  if (!parsed.ok) return refusal(400, 'invalid', parsed.message);
  const result = await providers.reload(parsed.request);
  if (result.ok) return { status: 200, body: result.document };
  const { code, message, changes } = result;
  if (code === 'busy') return { ...refusal(503, code, message), retryAfterS: 1 };
  return { status: 409, body: { error: { code, message }, changes } };
};

const explainRoute: Route = async (_query, providers, text) => {
  const parsed = parseExplain(text);
  if (!parsed.ok) return refusal(400, 'invalid', parsed.message);
  const result = await providers.explain(parsed.request);
  return result.ok ? { status: 200, body: result.document } : refusal(400, 'invalid', result.message);
};

interface Entry {
  readonly method: 'GET' | 'POST';
  /** Of the query. */
  readonly parameters: readonly string[];
  readonly route: Route;
}

const reading = (route: Route, ...parameters: string[]): Entry => ({ method: 'GET', parameters, route });
const ordering = (action: OrderAction): Entry => ({
  method: 'POST',
  parameters: [],
  route: orderRoute(action),
});

export const ROUTES: ReadonlyMap<string, Entry> = new Map([
  ['/status', reading(statusRoute)],
  ['/members', reading(membersRoute)],
  ['/connections', reading(connectionsRoute, 'limit')],
  ['/history', reading(historyRoute, 'since')],
  ['/metrics', reading(metricsRoute)],
  ['/events', reading(eventsRoute, 'since', 'follow')],
  ['/openapi.json', reading(() => ({ status: 200, body: openApiDocument() }))],
  ['/drain', ordering('drain')],
  ['/undrain', ordering('undrain')],
  ['/abdicate', ordering('abdicate')],
  ['/reload', { method: 'POST', parameters: [], route: reloadRoute }],
  ['/explain', { method: 'POST', parameters: [], route: explainRoute }],
]);

/**
 * Answers one request. Whatever is asked, the answer is a document; it never throws.
 * @param body what was posted
 */
export async function answer(
  method: string,
  target: string,
  body: string,
  providers: ControlProviders,
): Promise<ControlAnswer> {
  if (!URL.canParse(target, 'http://node')) return refusal(400, 'invalid', 'the path is not one');
  const { pathname, searchParams } = new URL(target, 'http://node');
  const entry = ROUTES.get(pathname);
  if (entry === undefined) {
    return refusal(404, 'unknown-path', `there is no ${pathname}; there is ${[...ROUTES.keys()].join(', ')}`);
  }
  if (method !== entry.method) {
    const used = entry.method === 'GET' ? 'is read with GET' : 'is told with POST';
    return { ...refusal(405, 'wrong-method', `${pathname} ${used}, not ${method}`), allow: entry.method };
  }
  const unknown = [...searchParams.keys()].find((name) => !entry.parameters.includes(name));
  if (unknown !== undefined) {
    const known = entry.parameters.length === 0 ? 'none' : entry.parameters.join(', ');
    return refusal(400, 'unknown-parameter', `${pathname} knows no parameter ${unknown}; it knows ${known}`);
  }
  try {
    return await entry.route(searchParams, providers, body);
  } catch (error) {
    return refusal(500, 'internal', `the node could not answer: ${(error as Error).message}`);
  }
}
