/** Faults and waits of which scenarios are made. */
import { nowMs } from '@ringmaster/lab';
import { NODE_PROCESS, type Container } from './container.js';
import type { Pick, Stage, Step } from './scenario.js';

/** How long anything may take before a scenario fails. Generous: a busy machine is no fault. */
export const PATIENCE_MS = 45_000;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function dispatcherOf({ cluster }: Stage): Promise<Container> {
  return cluster.ring(PATIENCE_MS);
}

const byAddress = (one: Container, other: Container) =>
  Number(one.address.split('.')[3]) - Number(other.address.split('.')[3]);

export const theDispatcher: Pick = {
  who: 'the dispatcher',
  find: async (stage) => [await dispatcherOf(stage)],
};

export const aServer: Pick = {
  who: 'a server',
  find: async (stage) => {
    const dispatcher = await dispatcherOf(stage);
    return stage.cluster.nodes.filter(({ id }) => id !== dispatcher.id).slice(0, 1);
  },
};

export const everyone: Pick = { who: 'all nodes', find: async ({ cluster }) => cluster.nodes };

export const allButOne: Pick = {
  who: 'all but one',
  find: async ({ cluster }) => [...cluster.nodes].sort(byAddress).slice(0, -1),
};

/** Two of five, the dispatcher among them. */
export const theSmallerHalf: Pick = {
  who: 'the dispatcher and another',
  find: async ({ cluster }) =>
    [...cluster.nodes].sort(byAddress).slice(0, Math.floor(cluster.nodes.length / 2)),
};

/** Whoever a former step remembered under this name, as it is now. */
export const noted = (name: string): Pick => ({
  who: name,
  find: async ({ cluster, notes }) => {
    const ids = notes.get(name) as readonly string[];
    return [...cluster.nodes, ...cluster.ended].filter(({ id }) => ids.includes(id));
  },
});

/** Finds nodes and remembers them by `name` for later steps; their addresses too, as `name address`. */
export const choose = (pick: Pick, name: string): Step => ({
  does: `${name}: ${pick.who}`,
  run: async (stage) => {
    const found = await pick.find(stage);
    stage.notes.set(
      name,
      found.map(({ id }) => id),
    );
    stage.notes.set(`${name} address`, found[0].address);
  },
});

export function harm(stage: Stage, nodes: readonly Container[]): void {
  for (const { address } of nodes) stage.harmed.add(address);
}

/** A step that does something to some nodes and says so in the timeline, for each. */
export function fault(
  does: string,
  pick: Pick,
  act: (stage: Stage, nodes: readonly Container[]) => Promise<void>,
): Step {
  return {
    does: `${does} ${pick.who}`,
    run: async (stage) => {
      const nodes = await pick.find(stage);
      stage.record.say('fault', `${does} ${pick.who} (${nodes.map(({ address }) => address).join(', ')})`);
      await act(stage, nodes);
    },
  };
}

/** `docker kill`: the process and its host are gone without a word. */
export const kill = (pick: Pick): Step =>
  fault('docker kill', pick, async (stage, nodes) => {
    harm(stage, nodes);
    await stage.cluster.docker('kill', nodes);
  });

/** `docker stop`: the node is drained, hands over, leaves. */
export const stop = (pick: Pick): Step =>
  fault('docker stop', pick, async (stage, nodes) => {
    harm(stage, nodes);
    await stage.cluster.docker('stop', nodes);
  });

export const start = (pick: Pick): Step =>
  fault('docker start', pick, ({ cluster }, nodes) => cluster.docker('start', nodes));

export const startAllThatEnded: Step = {
  does: 'docker start of all that have ended',
  run: async ({ cluster, record }) => {
    record.say('fault', `docker start (${cluster.ended.length})`);
    await cluster.docker('start', cluster.ended);
  },
};

/** One after the other, each back in the ring before the next goes. */
export const restartOneByOne = (pick: Pick): Step => ({
  does: `docker restart of ${pick.who}, one after the other`,
  run: async (stage) => {
    const { cluster, record } = stage;
    const count = cluster.nodes.length;
    for (const node of await pick.find(stage)) {
      harm(stage, [node]);
      record.say('fault', `docker restart ${node.address}`);
      await cluster.docker('restart', [node]);
      if (cluster.nodes.length !== count) throw new Error(`${node.name} has not come back`);
      await cluster.ring(PATIENCE_MS);
    }
  },
});

/** `docker pause`: the whole host stands still, its service as well. Until `unpause`. */
export const pause = (pick: Pick): Step =>
  fault('docker pause', pick, async ({ cluster, cleanups }, nodes) => {
    cleanups.push(() => cluster.docker('unpause', nodes));
    await cluster.docker('pause', nodes);
  });

/** The moment is noted as `awake`. */
export const unpause = (pick: Pick, awake: string): Step =>
  fault('docker unpause', pick, async ({ cluster, cleanups, notes }, nodes) => {
    notes.set(awake, nowMs());
    await cluster.docker('unpause', nodes);
    cleanups.pop();
  });

const signalNodes = (nodes: readonly Container[], name: NodeJS.Signals): void =>
  nodes.forEach((node) => node.signal(NODE_PROCESS, name));

/** The node's process alone stands still; its host and its service go on. Until `thaw`. */
export const freeze = (pick: Pick): Step =>
  fault('SIGSTOP', pick, async ({ cleanups }, nodes) => {
    cleanups.push(async () => signalNodes(nodes, 'SIGCONT'));
    signalNodes(nodes, 'SIGSTOP');
  });

/** The moment is noted as `awake`. */
export const thaw = (pick: Pick, awake: string): Step =>
  fault('SIGCONT', pick, async ({ cleanups, notes }, nodes) => {
    notes.set(awake, nowMs());
    signalNodes(nodes, 'SIGCONT');
    cleanups.pop();
  });

export const scale = (count: number): Step => ({
  does: `docker compose up --scale node=${count}`,
  run: async (stage) => {
    const { cluster, record } = stage;
    record.say('fault', `--scale node=${count}`);
    const before = cluster.nodes;
    await cluster.scale(count);
    harm(
      stage,
      before.filter(({ pid }) => !cluster.nodes.some((node) => node.pid === pid)),
    );
    await cluster.ring(PATIENCE_MS);
  },
});

/** Waits until all that run are one ring. */
export const untilOneRing: Step = {
  does: 'until all that run are one ring',
  run: async (stage) => {
    const dispatcher = await dispatcherOf(stage);
    stage.record.say(
      'note',
      `one ring of ${stage.cluster.nodes.length}, dispatched by ${dispatcher.address}`,
    );
  },
};

/** Waits until these, and these alone, are a ring. */
export const untilRingWithout = (pick: Pick): Step => ({
  does: `until there is a ring without ${pick.who}`,
  run: async (stage) => {
    const left = await pick.find(stage);
    const rest = stage.cluster.nodes.filter(({ id }) => !left.some((node) => node.id === id));
    const dispatcher = await stage.cluster.ring(PATIENCE_MS, rest);
    stage.record.say('note', `one ring of ${rest.length}, dispatched by ${dispatcher.address}`);
  },
});

export const calm = (ms: number): Step => ({ does: `${ms / 1000} s of calm`, run: () => sleep(ms) });

/** Does something that is no fault. */
export const doing = (does: string, run: Step['run']): Step => ({ does, run });
