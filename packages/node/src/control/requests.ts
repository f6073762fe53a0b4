/** The bodies that are posted to the control socket: JSON, checked before anything is done. */
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import type { OrderRequest, ReloadRequest } from './status.js';

/** Far more than 254 addresses need, and enough for a super-frame in hexadecimal. */
export const LARGEST_BODY_BYTES = 256 * 1024;
/** A week, for deadlines and for staying out of the election. */
export const LONGEST_DURATION_MS = 7 * 24 * 3_600_000;

const ADDRESSES = 'addresses: expected a list of 1 to 254 IPv4 addresses of members';
const ONE = 'addresses: expected the address of one member';
const address = z.string({ error: ADDRESSES }).refine(isIPv4, { error: ADDRESSES });
const addresses = z
  .array(address, { error: ADDRESSES })
  .min(1, { error: ADDRESSES })
  .max(254, { error: ADDRESSES });

const duration = (name: string) => {
  const error = `${name}: expected milliseconds (a whole number from 0 to ${LONGEST_DURATION_MS})`;
  return z.int({ error }).min(0, { error }).max(LONGEST_DURATION_MS, { error }).optional();
};

export const ORDER_BODIES = {
  drain: z.strictObject({ addresses, deadlineMs: duration('deadlineMs') }),
  undrain: z.strictObject({ addresses }),
  abdicate: z.strictObject({
    addresses: z.array(address, { error: ONE }).length(1, { error: ONE }),
    forMs: duration('forMs'),
  }),
};

export const RELOAD_BODY = z.strictObject({
  dryRun: z.boolean({ error: 'dryRun: expected true or false' }).default(false),
});

/** What a reload is asked in a body, none being the same as `{}`; or a sentence that says what was expected. */
export function parseReload(
  text: string,
): { readonly ok: true; readonly request: ReloadRequest } | { readonly ok: false; readonly message: string } {
  const raw = text === '' ? {} : parseJson(text);
  if (raw === undefined) {
    return {
      ok: false,
      message: 'the body is not JSON; expected an object like {"dryRun":true}, or nothing',
    };
  }
  const parsed = RELOAD_BODY.safeParse(raw);
  if (parsed.success) return { ok: true, request: parsed.data };
  return { ok: false, message: sayWhy(RELOAD_BODY, parsed.error.issues[0]) };
}

/** `undefined` is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export type OrderAction = keyof typeof ORDER_BODIES;

/** The order in a body, or a sentence that says what was expected. */
export function parseOrder(
  action: OrderAction,
  text: string,
): { readonly ok: true; readonly order: OrderRequest } | { readonly ok: false; readonly message: string } {
  const raw = parseJson(text);
  if (raw === undefined) {
    return {
      ok: false,
      message: 'the body is not JSON; expected an object like {"addresses":["10.0.0.11"]}',
    };
  }
  const parsed = ORDER_BODIES[action].safeParse(raw);
  if (!parsed.success) return { ok: false, message: sayWhy(ORDER_BODIES[action], parsed.error.issues[0]) };
  const body: { addresses: string[]; deadlineMs?: number | undefined; forMs?: number | undefined } =
    parsed.data;
  return {
    ok: true,
    order: { action, addresses: body.addresses, durationMs: body.deadlineMs ?? body.forMs },
  };
}

function sayWhy({ shape }: { readonly shape: object }, issue: z.core.$ZodIssue): string {
  const known = Object.keys(shape).join(', ');
  if (issue.code === 'unrecognized_keys') return `the body knows no key ${issue.keys[0]}; it knows ${known}`;
  return issue.path.length === 0 ? `the body: expected an object with the keys ${known}` : issue.message;
}
