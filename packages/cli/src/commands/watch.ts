/** `ringmaster watch`: the ring, live. */
import {
  type ControlPlace,
  controlLines,
  controlRequest,
  type NodeEvent,
  type StatusDocument,
} from '@ringmaster/node';
import { Failure } from '../failure.js';
import { placeOf, type PlaceOptions } from '../place.js';
import { WatchModel } from '../watch/model.js';
import { page } from '../watch/page.js';
import { takeTerminal } from '../watch/terminal.js';

export interface WatchOptions extends PlaceOptions {
  /** One page to standard output, and the end. */
  readonly once?: boolean;
}

const ASK_MS = 1000;
const EVENTS_AGAIN_MS = 1000;
const DEFAULT_SIZE = { columns: 100, rows: 32 };

export async function watch(options: WatchOptions): Promise<void> {
  const place = placeOf(options);
  const model = new WatchModel();
  if (options.once === true || !process.stdout.isTTY) return once(place, model);
  await ask(place, model);
  await live(place, model);
}

const useColours = (): boolean => process.env['NO_COLOR'] === undefined || process.env['NO_COLOR'] === '';

async function ask(place: ControlPlace, model: WatchModel): Promise<void> {
  const answer = await controlRequest<StatusDocument>(place, '/status');
  if (answer.ok) model.take(answer.value, performance.now());
  else model.fail(answer.problem.message);
}

async function once(place: ControlPlace, model: WatchModel): Promise<void> {
  await ask(place, model);
  if (model.trouble !== undefined) throw new Failure(model.trouble);
  await controlLines(place, '/events?follow=false', (line) => model.hear(JSON.parse(line) as NodeEvent));
  const columns = Number(process.env['COLUMNS']) || (process.stdout.columns ?? DEFAULT_SIZE.columns);
  const rows = Number(process.env['LINES']) || (process.stdout.rows ?? DEFAULT_SIZE.rows);
  const colours = process.stdout.isTTY && useColours();
  process.stdout.write(`${page(model, columns, rows, colours).join('\n')}\n`);
}

/** Until the user has enough. A node that goes away is waited for. */
async function live(place: ControlPlace, model: WatchModel): Promise<void> {
  await new Promise<void>((resolve) => {
    const draw = (): void => terminal.draw(page(model, terminal.width, terminal.height, useColours()));
    const terminal = takeTerminal(process.stdin, process.stdout, { quit: () => quit(), resized: draw });
    const asking = setInterval(() => void ask(place, model).then(draw), ASK_MS);
    let following: NodeJS.Timeout | undefined;
    const follow = (): void => {
      const since = model.events.at(-1)?.seq ?? 0;
      void controlLines(place, `/events?since=${since}`, (line) => {
        model.hear(JSON.parse(line) as NodeEvent);
        draw();
      }).then(() => (following = setTimeout(follow, EVENTS_AGAIN_MS)));
    };
    const quit = (): void => {
      clearInterval(asking);
      clearTimeout(following);
      terminal.close();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, quit);
    follow();
    draw();
  });
  // The stream of events would keep the process.
  process.exit(0);
}
