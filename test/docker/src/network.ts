/** Faults of the network, made from this machine: cables, switches, loss, and what strangers send. */
import { must, synFlood } from '@ringmaster/lab';
import { fileURLToPath } from 'node:url';
import type { Container } from './container.js';
import type { Pick, Stage, Step } from './scenario.js';
import { fault, harm } from './steps.js';

/** The second switch of a partition. An interface name has 15 characters at most. */
const OTHER_SWITCH = 'rm-test-half';
const LOSS_TABLE = 'ringmaster_test';
const GARBAGE = fileURLToPath(new URL('./garbage.js', import.meta.url));
const RING_PORT = 7400;

const ip = (...args: string[]) => must('ip', args);

/** Pulls the cable: frames go nowhere, and the node is told that its link is down. */
export const disconnect = (pick: Pick): Step =>
  fault('the cable is pulled of', pick, async (stage, nodes) => {
    harm(stage, nodes);
    stage.cleanups.push(() => plug(nodes));
    for (const node of nodes) await ip('link', 'set', node.outerCard(), 'down');
  });

async function plug(nodes: readonly Container[]): Promise<void> {
  for (const node of nodes) await ip('link', 'set', node.outerCard(), 'up');
}

export const reconnect = (pick: Pick): Step =>
  fault('the cable is back of', pick, async (stage, nodes) => {
    await plug(nodes);
    stage.cleanups.pop();
  });

async function switchOf(node: Container): Promise<string> {
  const [link] = JSON.parse(await ip('-j', 'link', 'show', 'dev', node.outerCard())) as { master: string }[];
  return link.master;
}

/** Puts these nodes on a switch of their own: two halves, each whole, the client with the other one. */
export const partition = (pick: Pick): Step =>
  fault('the network is cut: apart are', pick, async (stage, nodes) => {
    harm(stage, nodes);
    const master = await switchOf(nodes[0]);
    stage.notes.set('switch', master);
    await ip('link', 'add', OTHER_SWITCH, 'type', 'bridge');
    stage.cleanups.push(() => join(stage, nodes));
    await ip('link', 'set', OTHER_SWITCH, 'up');
    for (const node of nodes) await ip('link', 'set', node.outerCard(), 'master', OTHER_SWITCH);
  });

async function join({ notes }: Stage, nodes: readonly Container[]): Promise<void> {
  for (const node of nodes)
    await ip('link', 'set', node.outerCard(), 'master', notes.get('switch') as string);
  await ip('link', 'del', OTHER_SWITCH);
}

export const heal = (pick: Pick): Step =>
  fault('the network is whole again: back are', pick, async (stage, nodes) => {
    await join(stage, nodes);
    stage.cleanups.pop();
  });

const nft = async (node: Container, rules: string): Promise<void> => {
  const { code, stderr } = await node.exec('nft', ['-f', '-'], rules);
  if (code !== 0) throw new Error(`nft in ${node.name}: ${stderr}`);
};

/** Every node loses this share of what comes in, whatever it is. */
export const loss = (pick: Pick, percent: number): Step =>
  fault(`${percent} % loss at`, pick, async (stage, nodes) => {
    stage.cleanups.push(() => whole(nodes));
    for (const node of nodes) {
      await nft(
        node,
        `table netdev ${LOSS_TABLE} { chain in { type filter hook ingress device eth0 priority 0; numgen random mod 100 < ${percent} drop; }; }`,
      );
    }
  });

async function whole(nodes: readonly Container[]): Promise<void> {
  for (const node of nodes) await nft(node, `delete table netdev ${LOSS_TABLE}`);
}

export const noLoss = (pick: Pick): Step =>
  fault('no more loss at', pick, async (stage, nodes) => {
    await whole(nodes);
    stage.cleanups.pop();
  });

const WATCH_TABLE = 'ringmaster_watch';
const COUNTED = 'passed on before';

/**
 * Counts the frames to the cluster address that come out of a node, where its cable ends on this machine. Nodes never call
 * the cluster themselves: each is one that a dispatcher passes on.
 */
export const watchForwarded = (pick: Pick): Step => ({
  does: `count what ${pick.who} passes on`,
  run: async (stage) => {
    const [node] = await pick.find(stage);
    stage.cleanups.unshift(async () => void (await must('nft', ['delete', 'table', 'netdev', WATCH_TABLE])));
    const hook = `type filter hook ingress device ${node.outerCard()} priority 0`;
    const rule = `ip daddr ${stage.cluster.address} counter`;
    await must('nft', ['-f', '-'], `table netdev ${WATCH_TABLE} { chain out { ${hook}; ${rule}; }; }`);
  },
});

async function passedOn(): Promise<number> {
  const listed = await must('nft', ['list', 'table', 'netdev', WATCH_TABLE]);
  return Number(/packets (\d+)/.exec(listed)?.[1]);
}

export const countForwarded = (pick: Pick): Step => ({
  does: `note how much ${pick.who} has passed on`,
  run: async ({ notes, record }) => {
    const count = await passedOn();
    if (!(count > 0)) throw new Error(`${pick.who} has passed nothing on, so that nothing can be compared`);
    notes.set(COUNTED, count);
    record.say('note', `${pick.who} has passed on ${count} frames so far`);
  },
});

/** Notes how many frames it has passed on since `countForwarded`. */
export const compareForwarded = (pick: Pick, note: string): Step => ({
  does: `note how much more ${pick.who} has passed on`,
  run: async ({ notes }) => void notes.set(note, (await passedOn()) - (notes.get(COUNTED) as number)),
});

/**
 * Connection requests with random senders from the client's network. They go to the cluster address as to a gateway, and
 * what is answered goes to the client, which routes nothing: none of it leaves the network.
 */
export const flood = (rate: number, seconds: number): Step => ({
  does: `a SYN flood, ${rate} a second for ${seconds} s`,
  run: async ({ cluster, record }) => {
    const { client, address } = cluster;
    const sources = '198.18.0.0/15';
    for (const node of cluster.nodes)
      await node.exec('ip', ['route', 'replace', sources, 'via', client.address]);
    await client.exec('ip', ['route', 'replace', 'default', 'via', address]);
    record.say('fault', `SYN flood, ${rate} a second`);
    // The program runs only where it finds the mark of a lab: here it gets one, in a mount namespace of its own.
    const marked = 'mount -t tmpfs tmpfs /run && mkdir /run/ringmaster-lab && exec "$@"';
    const host = {
      exec: (command: string, args: readonly string[] = []) =>
        client.exec('unshare', ['--mount', 'sh', '-c', marked, 'sh', command, ...args]),
    };
    const { sent } = await synFlood(host, `${address}:80`, { count: rate * seconds, rate, seconds });
    record.say('fault', `the flood is over (${sent} sent)`);
    await client.exec('ip', ['route', 'del', 'default']);
    for (const node of cluster.nodes) await node.exec('ip', ['route', 'del', sources]);
  },
});

/** Random datagrams and streams to every node's ring port, from the client's network. */
export const garbage = (seconds: number): Step => ({
  does: `garbage to the ring port (${RING_PORT}) of all nodes for ${seconds} s`,
  run: async ({ cluster, record, notes }) => {
    record.say('fault', 'garbage on the ring port');
    const targets = cluster.nodes.map(({ address }) => address);
    const { code, stdout, stderr } = await cluster.client.exec(process.execPath, [
      GARBAGE,
      String(RING_PORT),
      String(seconds),
      ...targets,
    ]);
    if (code !== 0) throw new Error(`garbage: ${stderr}`);
    record.say('fault', `enough garbage: ${stdout.trim()}`);
    const refused = await Promise.all(
      cluster.nodes.map(async (node) => {
        const refusals = (await node.status())?.counters.ringRefused ?? {};
        return Object.values(refusals).reduce((sum, count) => sum + count, 0);
      }),
    );
    notes.set('nodes that did not count garbage as refused', refused.filter((count) => count === 0).length);
  },
});
