/** Runs one scenario and judges it. */
import { nowMs, type RequestEvent } from '@ringmaster/lab';
import { Cluster } from './cluster.js';
import { stopAndLook } from './inside.js';
import { isServed, Load, longestGap, Timeline, type Entry, type HeldFate } from './timeline.js';
import type { Outcome, Scenario, Stage } from './scenario.js';
import { sleep } from './steps.js';

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
  readonly requests: number;
  readonly failed: number;
  readonly fates: readonly (HeldFate & { readonly harmed: boolean })[];
  /** Times are since the load began. */
  readonly timeline: readonly Entry[];
  readonly drawn: readonly DrawnRequest[];
  readonly tookMs: number;
  /** What a step met that made it give up. */
  readonly error?: string;
}

/** The cluster that is there, for the next scenario that can use it. */
export class Theatre {
  readonly #root: string;
  readonly #image: string;
  #cluster: Cluster | undefined;
  readonly #timeline = new Timeline();

  constructor(root: string, image: string) {
    this.#root = root;
    this.#image = image;
  }

  /** A whole ring as the scenario wants it: the one that is there, mended, or a new one. */
  async #prepare({ environment = {}, nodes = DEFAULT_NODES }: Scenario): Promise<Cluster> {
    const same = JSON.stringify(this.#cluster?.environment) === JSON.stringify(environment);
    if (!same) await this.clear();
    this.#cluster ??= new Cluster(this.#root, this.#image, environment, (node) =>
      this.#timeline.follow(node),
    );
    await this.#cluster.refresh();
    await this.#cluster.docker('start', this.#cluster.ended);
    await this.#cluster.scale(nodes);
    await this.#cluster.ring(RING_TIMEOUT_MS);
    return this.#cluster;
  }

  async perform(scenario: Scenario): Promise<Result> {
    const from = nowMs();
    try {
      const cluster = await this.#prepare(scenario);
      const load = await Load.start(cluster.client, cluster.address);
      const stage: Stage = {
        cluster,
        record: this.#timeline,
        load,
        harmed: new Set(),
        cleanups: [],
        notes: new Map(),
      };
      const result = await act(scenario, stage, from);
      if (!result.ok) await this.clear();
      return result;
    } catch (error) {
      await this.clear();
      return broken(scenario, error, from);
    }
  }

  /** Stops every node, tells what they have left on their hosts, and takes the cluster away. */
  async close(): Promise<readonly string[]> {
    if (this.#cluster === undefined) return [];
    await this.#cluster.refresh();
    const left = await stopAndLook({ cluster: this.#cluster }, this.#cluster.nodes);
    await this.clear();
    return left;
  }

  async clear(): Promise<void> {
    this.#cluster = undefined;
    await Cluster.clear();
  }
}

async function act(scenario: Scenario, stage: Stage, from: number): Promise<Result> {
  let error: string | undefined;
  await sleep(BEFORE_MS);
  const firstFaultAt = nowMs();
  try {
    for (const step of scenario.steps) await step.run(stage);
  } catch (problem) {
    error = problem instanceof Error ? problem.message : String(problem);
    stage.record.say('note', error);
  }
  const endAt = nowMs();
  for (const cleanup of stage.cleanups.reverse()) await cleanup().catch(() => undefined);
  const fates = await stage.load.fates();
  await settled(stage, endAt);
  await stage.load.stop();
  const requests = stage.load.stream.requests.filter(({ start }) => start < endAt);
  noteFailures(stage, requests);
  const outcome: Outcome = { stage, requests, fates, firstFaultAt, endAt };
  const judgements = scenario.holds.map(({ that, check }) => ({ that, ...check(outcome) }));
  if (error !== undefined) judgements.unshift({ that: 'every step can be done', ok: false, found: error });
  const began = stage.load.startedAt;
  return {
    scenario: scenario.name,
    about: scenario.about,
    ok: judgements.every(({ ok }) => ok),
    judgements,
    longestGapMs: Math.round(longestGap(requests, firstFaultAt).ms),
    requests: requests.length,
    failed: requests.filter((request) => !isServed(request)).length,
    fates: fates.map((fate) => ({ ...fate, harmed: stage.harmed.has(fate.server) })),
    timeline: stage.record.entries
      .filter(({ at }) => at >= began)
      .map((entry) => ({ ...entry, at: Math.round(entry.at - began) }))
      .sort((one, other) => one.at - other.at),
    drawn: requests.map(({ end, server }) => ({
      end: Math.round(end - began),
      ...(server === undefined ? {} : { server }),
    })),
    tookMs: Math.round(nowMs() - from),
    ...(error === undefined ? {} : { error }),
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

function broken({ name, about }: Scenario, problem: unknown, from: number): Result {
  const error = problem instanceof Error ? problem.message : String(problem);
  return {
    ...{ scenario: name, about, ok: false, error, longestGapMs: 0, requests: 0, failed: 0 },
    judgements: [{ that: 'the scenario can begin', ok: false, found: error }],
    ...{ fates: [], timeline: [], drawn: [], tookMs: Math.round(nowMs() - from) },
  };
}
