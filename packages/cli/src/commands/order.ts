/** The commands that change something in a running ring: `drain`, `undrain`, `abdicate`. */
import {
  type ControlPlace,
  controlRequest,
  type MemberStatus,
  type OrderDocument,
  type OrderResult,
  type StatusDocument,
} from '@ringmaster/node';
import { Failure } from '../failure.js';
import { placeOf } from '../place.js';
import type { ReadOptions } from './read.js';

interface DrainOptions extends ReadOptions {
  /** Milliseconds. */
  readonly deadline?: number;
  /** Return only when nothing is left. */
  readonly wait?: boolean;
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

export async function drain(addresses: readonly string[], options: DrainOptions): Promise<void> {
  const { deadline } = options;
  const place = placeOf(options);
  const body = { addresses, ...(deadline === undefined ? {} : { deadlineMs: deadline }) };
  const until =
    deadline === undefined
      ? 'its connections go on until they end'
      : `what is left after ${deadline / 1000} s is reset`;
  await order({ place, path: '/drain', body }, options, {
    done: `takes no new connections; ${until}`,
    already: 'is drained already; nothing was changed',
  });
  if (options.wait === true) await waitUntilEmpty(addresses, place);
}

const ASK_AGAIN_MS = 500;

/** Returns when none of the servers has a connection left. Fails when one of them is not drained any more, or gone. */
async function waitUntilEmpty(addresses: readonly string[], place: ControlPlace): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    const answer = await controlRequest<{ members: MemberStatus[] }>(place, '/members');
    if (!answer.ok) throw new Failure(answer.problem.message);
    const { members } = answer.value;
    const drains = addresses.map((address) => {
      const drain = members.find((member) => member.address === address)?.drain;
      if (drain === undefined) throw new Failure(`${address} is not drained any more, or not in the ring`);
      return drain;
    });
    if (drains.every(({ connections }) => connections === 0)) return;
  }
}

export async function undrain(addresses: readonly string[], options: ReadOptions): Promise<void> {
  return order({ place: placeOf(options), path: '/undrain', body: { addresses } }, options, {
    done: 'takes new connections again',
    already: 'was not drained; nothing was changed',
  });
}

/** @param address of the member that shall hand over; default: whoever dispatches */
export async function abdicate(address: string | undefined, options: AbdicateOptions): Promise<void> {
  const forMs = options.for;
  const place = placeOf(options);
  const body = {
    addresses: [address ?? (await dispatcherOf(place))],
    ...(forMs === undefined ? {} : { forMs }),
  };
  await order({ place, path: '/abdicate', body }, options, {
    done: 'hands the dispatching over to the next in line',
    already: 'has handed over already',
  });
}

async function dispatcherOf(place: ControlPlace): Promise<string> {
  const answer = await controlRequest<StatusDocument>(place, '/status');
  if (!answer.ok) throw new Failure(answer.problem.message);
  const { dispatcher } = answer.value.ring;
  if (dispatcher === null)
    throw new Failure('nobody dispatches at the moment: there is nothing to hand over');
  return dispatcher;
}

interface Ordered {
  readonly place: ControlPlace;
  readonly path: string;
  readonly body: unknown;
}

async function order(
  { place, path, body }: Ordered,
  options: ReadOptions,
  words: { readonly done: string; readonly already: string },
): Promise<void> {
  const answer = await controlRequest<OrderDocument>(place, path, body);
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
