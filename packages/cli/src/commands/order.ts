/** The commands that change something in a running ring: `drain`, `undrain`, `abdicate`. */
import { controlRequest, type OrderDocument, type OrderResult, type StatusDocument } from '@ringmaster/node';
import { controlSocket } from '../configuration.js';
import { Failure } from '../failure.js';
import type { ReadOptions } from './read.js';

interface DrainOptions extends ReadOptions {
  /** Milliseconds. */
  readonly deadline?: number;
}

interface AbdicateOptions extends ReadOptions {
  /** Milliseconds. */
  readonly for?: number;
}

const FAILURES: Readonly<Record<string, string>> = {
  notServing: 'does not serve: it has no connections to drain',
  notDispatching: 'does not dispatch: there is nothing to hand over',
  noSuccessor: 'goes on dispatching: no other member can',
  unanswered: 'did not answer: it may have heard or not; look at `ringmaster members` and ask again',
};

export function drain(addresses: readonly string[], options: DrainOptions): Promise<void> {
  const { deadline } = options;
  const body = { addresses, ...(deadline === undefined ? {} : { deadlineMs: deadline }) };
  const until =
    deadline === undefined
      ? 'its connections go on until they end'
      : `what is left after ${deadline / 1000} s is reset`;
  return order('/drain', body, options, {
    done: `takes no new connections; ${until}`,
    already: 'is drained already; nothing was changed',
  });
}

export function undrain(addresses: readonly string[], options: ReadOptions): Promise<void> {
  return order('/undrain', { addresses }, options, {
    done: 'takes new connections again',
    already: 'was not drained; nothing was changed',
  });
}

/** @param address of the member that shall hand over; default: whoever dispatches */
export async function abdicate(address: string | undefined, options: AbdicateOptions): Promise<void> {
  const forMs = options.for;
  const body = {
    addresses: [address ?? (await dispatcherOf(options))],
    ...(forMs === undefined ? {} : { forMs }),
  };
  await order('/abdicate', body, options, {
    done: 'hands the dispatching over to the next in line',
    already: 'has handed over already',
  });
}

async function dispatcherOf(options: ReadOptions): Promise<string> {
  const answer = await controlRequest<StatusDocument>(controlSocket(options), '/status');
  if (!answer.ok) throw new Failure(answer.problem.message);
  const { dispatcher } = answer.value.ring;
  if (dispatcher === null)
    throw new Failure('nobody dispatches at the moment: there is nothing to hand over');
  return dispatcher;
}

async function order(
  path: string,
  body: unknown,
  options: ReadOptions,
  words: { readonly done: string; readonly already: string },
): Promise<void> {
  const answer = await controlRequest<OrderDocument>(controlSocket(options), path, body);
  if (!answer.ok) throw new Failure(answer.problem.message);
  const { servers } = answer.value;
  if (options.json === true) process.stdout.write(`${JSON.stringify(answer.value)}\n`);
  else {
    const well = servers
      .filter(isWell)
      .map(({ address, outcome }) => `${address} ${words[outcome as keyof typeof words]}\n`);
    process.stdout.write(well.join(''));
  }
  const failed = servers.filter((server) => !isWell(server));
  if (failed.length > 0)
    throw new Failure(failed.map(({ address, outcome }) => `${address} ${FAILURES[outcome]}`).join('\n'));
}

const isWell = ({ outcome }: OrderResult): boolean => outcome === 'done' || outcome === 'already';
