/** The outcome of one check of a service. `why` says what was found, and what was expected. */
export type CheckOutcome = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** What went wrong with a connection, in words. */
export function reasonOf(error: Error, timeoutMs: number): string {
  const aborted = error.name === 'AbortError' || error.name === 'TimeoutError';
  return aborted ? `no answer within ${timeoutMs} ms` : error.message;
}
