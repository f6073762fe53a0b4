/** `ringmaster events`: what has happened to the node, and what happens. */
import { controlLines, type NodeEvent } from '@ringmaster/node';
import { Failure } from '../failure.js';
import { eventText } from '../output/eventText.js';
import { placeOf } from '../place.js';
import type { ReadOptions } from './read.js';

export interface EventsOptions extends ReadOptions {
  /** Only those after the event with this number. */
  readonly since: number;
  /** Go on with those that come. */
  readonly follow: boolean;
}

/** Resolves when there are no more; with `follow` that is when the node ends. */
export async function events(options: EventsOptions): Promise<void> {
  const { since, follow, json } = options;
  const path = `/events?since=${since}&follow=${follow}`;
  const answer = await controlLines(placeOf(options), path, (line) => {
    process.stdout.write(`${json === true ? line : eventText(JSON.parse(line) as NodeEvent)}\n`);
  });
  if (!answer.ok) throw new Failure(answer.problem.message);
  if (follow) throw new Failure('the node has ended, or cut this reader off');
}
