/** Runs one scenario and judges it. */
import { nowMs, type RequestEvent } from '@ringmaster/lab';
import { Cluster } from './cluster.js';
import { allAreHeld } from './holds.js';
import { endAndLook } from './inside.js';
import { isServed, Load, longestGap, Timeline, type Entry, type HeldFate } from './timeline.js';
import type { Outcome, Scenario, Stage } from './scenario.js';
import { PATIENCE_MS, sleep } from './steps.js';

const DEFAULT_NODES = 5;
const RING_TIMEOUT_MS = 60_000;
const BEFORE_MS = 1000;
/** Failures that are no further apart are told as one. */
const TOGETHER_MS = 300;

export interface Judgement {
  readonly that: string;
  readonly ok: boolean;
  readonly found: string;
}

/** A request as the report draws it. Milliseconds since the load began. */
export interface DrawnRequest {
  readonly end: number;
  readonly server?: string;
}

export interface Result {
  readonly scenario: string;
  readonly about: string;
  readonly ok: boolean;
  readonly judgements: readonly Judgement[];
  /** The longest time without any served request, from the first fault on. */
  readonly longestGapMs: number;
  /** When it began, since the load began. */
  readonly longestGapAt: number;
  readonly requests: number;
  readonly failed: number;
  /** Who dispatches at the end, by the word of all; undefined when they do not agree. */
  readonly dispatcher?: string;
  /** Connections lost: on nodes that were spared, and on those that were killed, stopped or cut off. */
  readonly lost: { readonly spared: number; readonly harmed: number };
  /** What the nodes left on their hosts when they were stopped after all, a line each. */
  readonly left: readonly string[];
  readonly fates: readonly (HeldFate & { readonly harmed: boolean })[];
  /** Times are since the load began. */
  readonly timeline: readonly Entry[];
  readonly drawn: readonly DrawnRequest[];
  readonly tookMs: number;
  /** What a step met that made it give up. */
  readonly error?: string;
}

/** Gives every scenario a cluster of its own, and takes it away. */
export class Theatre {
  readonly #root: string;
  readonly #image: string;
  #closed = false;

  constructor(root: string, image: string) {
    this.#root = root;
    this.#image = image;
  }

  /** What is played ends badly, and nothing else begins. */
  close(): void {
    this.#closed = true;
  }

  async perform(scenario: Scenario): Promise<Result> {
    if (this.#closed) return broken(scenario, new Error('interrupted'), nowMs());
    const from = nowMs();
    const { environment = {}, nodes = DEFAULT_NODES } = scenario;
    const record = new Timeline();
    try {
      const cluster = new Cluster(this.#root, this.#image, environment, (node) => record.follow(node));
      await cluster.scale(nodes);
      await cluster.ring(RING_TIMEOUT_MS);
      const load = await Load.start(cluster.client, cluster.address);
      return await act(scenario, { ...{ cluster, record, load }, ...emptyStage() }, from);
    } catch (error) {
      return broken(scenario, error, from);
    } finally {
      await Cluster.clear();
    }
  }
}

const emptyStage = (): Pick<Stage, 'harmed' | 'cleanups' | 'notes'> => ({
  harmed: new Set(),
  cleanups: [],
  notes: new Map(),
});

/** Does the steps, one after the other. What went wrong with one ends them. */
async function doSteps({ steps }: Scenario, stage: Stage): Promise<string | undefined> {
  try {
    for (const step of steps) await step.run(stage);
    return undefined;
  } catch (problem) {
    const error = messageOf(problem);
    stage.record.say('note', error);
    return error;
  }
}

/** What holds for every scenario: after all, one dispatches and all agree on it; and nothing stays behind on a host. */
async function windUp({
  cluster,
}: Stage): Promise<{ judgements: Judgement[]; dispatcher?: string; left: string[] }> {
  const ring = await cluster.ring(PATIENCE_MS).catch(messageOf);
  const dispatcher = typeof ring === 'string' ? undefined : ring.address;
  const count = cluster.nodes.length;
  const left = await endAndLook(cluster.nodes, (nodes) => cluster.leave(nodes));
  const agreed = {
    that: 'in the end one node dispatches, and all agree on it',
    ok: dispatcher !== undefined,
    found: dispatcher === undefined ? String(ring) : `${dispatcher}, of ${count}`,
  };
  const clean = {
    that: 'nothing is left on any host',
    ok: left.length === 0,
    found: left.join('; ') || `${count} stopped, nothing found`,
  };
  return { judgements: [agreed, clean], left, ...(dispatcher === undefined ? {} : { dispatcher }) };
}

async function act(scenario: Scenario, stage: Stage, from: number): Promise<Result> {
  await sleep(BEFORE_MS);
  const firstFaultAt = nowMs();
  const error = await doSteps(scenario, stage);
  const endAt = nowMs();
  for (const cleanup of stage.cleanups.reverse()) await cleanup().catch(() => undefined);
  const fates = await stage.load.fates(stage.harmed);
  await settled(stage, endAt);
  await stage.load.stop();
  const requests = stage.load.stream.requests.filter(({ start }) => start < endAt);
  noteFailures(stage, requests);
  const outcome: Outcome = { stage, requests, fates, firstFaultAt, endAt };
  const judgements: Judgement[] = [allAreHeld, ...scenario.holds].map(({ that, check }) => ({
    that,
    ...check(outcome),
  }));
  if (error !== undefined) judgements.unshift({ that: 'every step can be done', ok: false, found: error });
  const gap = longestGap(requests, firstFaultAt, endAt);
  const seen = told(stage, fates, requests);
  const end = await windUp(stage);
  judgements.push(...end.judgements);
  return {
    scenario: scenario.name,
    about: scenario.about,
    ok: judgements.every(({ ok }) => ok),
    judgements,
    longestGapMs: Math.round(gap.ms),
    longestGapAt: Math.round(gap.at - stage.load.startedAt),
    requests: requests.length,
    failed: requests.filter((request) => !isServed(request)).length,
    ...(end.dispatcher === undefined ? {} : { dispatcher: end.dispatcher }),
    left: end.left,
    ...seen,
    tookMs: Math.round(nowMs() - from),
    ...(error === undefined ? {} : { error }),
  };
}

/** What the report shows, with times since the load began. */
function told(
  { load, harmed, record }: Stage,
  fates: Outcome['fates'],
  requests: Outcome['requests'],
): Pick<Result, 'fates' | 'lost' | 'timeline' | 'drawn'> {
  const began = load.startedAt;
  const lostOf = (which: boolean) =>
    fates.filter(({ server }) => harmed.has(server) === which).reduce((sum, { lost }) => sum + lost, 0);
  return {
    fates: fates.map((fate) => ({ ...fate, harmed: harmed.has(fate.server) })),
    lost: { spared: lostOf(false), harmed: lostOf(true) },
    timeline: record.entries
      .filter(({ at }) => at >= began)
      .map((entry) => ({ ...entry, at: Math.round(entry.at - began) }))
      .sort((one, other) => one.at - other.at),
    drawn: requests.map(({ end, server }) => ({
      end: Math.round(end - began),
      ...(server === undefined ? {} : { server }),
    })),
  };
}

/** Failed requests in the timeline, those that follow each other closely as one entry. */
function noteFailures({ record }: Stage, requests: readonly RequestEvent[]): void {
  const failures = requests
    .filter((request) => !isServed(request))
    .sort((one, other) => one.start - other.start);
  let run: RequestEvent[] = [];
  for (const [index, failure] of failures.entries()) {
    run.push(failure);
    const next = failures[index + 1];
    if (next !== undefined && next.start - failure.start < TOGETHER_MS) continue;
    const why = [...new Set(run.map(({ error }) => error))].join(', ');
    const lasted = Math.round(failure.start - run[0].start);
    const text = `${run.length} requests that were started within ${lasted} ms fail: ${why}`;
    record.entries.push({ at: run[0].start, kind: 'note', text });
    run = [];
  }
}

/** Waits for the ends of requests that were on their way at `endAt`. */
async function settled({ load }: Stage, endAt: number): Promise<void> {
  const deadline = nowMs() + 5000;
  const isOver = () => load.stream.requests.some(({ start }) => start > endAt + 200);
  while (!isOver() && nowMs() < deadline) await sleep(50);
  await sleep(300);
}

const messageOf = (problem: unknown): string =>
  problem instanceof Error ? problem.message : String(problem);

function broken({ name, about }: Scenario, problem: unknown, from: number): Result {
  const error = messageOf(problem);
  return {
    ...{
      lost: { spared: 0, harmed: 0 },
      left: [],
      scenario: name,
      about,
      ok: false,
      error,
      longestGapMs: 0,
      longestGapAt: 0,
      requests: 0,
      failed: 0,
    },
    judgements: [{ that: 'the scenario can begin', ok: false, found: error }],
    ...{ fates: [], timeline: [], drawn: [], tookMs: Math.round(nowMs() - from) },
  };
}
