/** A cluster of containers, made by docker/compose.yaml. */
import { must, run } from '@ringmaster/lab';
import { join } from 'node:path';
import type { StatusDocument } from '@ringmaster/node';
import { containersOf, NODE_PROCESS, type Container } from './container.js';

const PROJECT = 'ringmaster-test';
/** Not the one of compose.yaml, so that both can run. */
const NETWORK = '172.30.78';
const POLL_MS = 100;
const LEAVE_TIMEOUT_S = 20;

/** Variables of docker/compose.yaml. */
export type Environment = Readonly<Record<string, string>>;

/** What the nodes say, by address. Who does not answer is missing. */
export type Statuses = ReadonlyMap<string, StatusDocument>;

async function composeCommand(): Promise<string[]> {
  return (await run('docker', ['compose', 'version'])).code === 0
    ? ['docker', 'compose']
    : ['docker-compose'];
}

export class Cluster {
  readonly address = `${NETWORK}.200`;
  readonly environment: Environment;
  /** Changes whenever a container is started or stopped by way of this class. */
  #containers: readonly Container[] = [];
  readonly #root: string;
  readonly #image: string;
  readonly #onStart: (node: Container) => void;

  /** @param onStart is called for each node that has been started */
  constructor(root: string, image: string, environment: Environment, onStart: (node: Container) => void) {
    this.#root = root;
    this.#image = image;
    this.environment = environment;
    this.#onStart = onStart;
  }

  /** Takes away what an earlier run may have left, or this one has made. */
  static async clear(): Promise<void> {
    const label = `label=com.docker.compose.project=${PROJECT}`;
    const list = async (...args: string[]) =>
      (await must('docker', [...args, '-q', '--filter', label])).split('\n').filter(Boolean);
    const containers = await list('ps', '-a');
    if (containers.length > 0) await run('docker', ['rm', '-f', '-v', ...containers]);
    const networks = await list('network', 'ls');
    if (networks.length > 0) await run('docker', ['network', 'rm', ...networks]);
    const volumes = await list('volume', 'ls');
    if (volumes.length > 0) await run('docker', ['volume', 'rm', ...volumes]);
  }

  /** The servers that run. */
  get nodes(): readonly Container[] {
    return this.#containers.filter(({ service, running }) => service === 'node' && running);
  }

  /** Those that do not. */
  get ended(): readonly Container[] {
    return this.#containers.filter(({ service, running }) => service === 'node' && !running);
  }

  get client(): Container {
    return this.#containers.find(({ service }) => service === 'client')!;
  }

  /** Looks again at what runs. */
  async refresh(): Promise<void> {
    const before = new Set(this.nodes.map(({ pid }) => pid));
    this.#containers = await containersOf(PROJECT);
    for (const node of this.nodes) if (!before.has(node.pid)) this.#onStart(node);
  }

  /** `compose up --scale node=COUNT`, as an operator would. */
  async scale(count: number): Promise<void> {
    const [command, ...args] = await composeCommand();
    const files = ['docker/compose.yaml', 'test/docker/compose.test.yaml'].flatMap((file) => [
      '-f',
      join(this.#root, file),
    ]);
    const variables = { ...this.environment, RINGMASTER_IMAGE: this.#image, RINGMASTER_NETWORK: NETWORK };
    const env = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const up = [
      '-p',
      PROJECT,
      ...files,
      'up',
      '-d',
      '--no-build',
      '--no-recreate',
      '--scale',
      `node=${count}`,
    ];
    await must('env', [...env, command, ...args, ...up]);
    await this.refresh();
  }

  /** Runs `docker VERB` on containers, all at once. */
  async docker(verb: string, containers: readonly Container[], ...flags: string[]): Promise<void> {
    if (containers.length > 0) await must('docker', [verb, ...flags, ...containers.map(({ id }) => id)]);
    await this.refresh();
  }

  /** SIGTERM to the nodes' processes: they leave the ring at once, without the drain of `docker stop`, and their containers end. */
  async leave(nodes: readonly Container[]): Promise<void> {
    for (const node of nodes) node.signal(NODE_PROCESS, 'SIGTERM');
    const ids = nodes.map(({ id }) => id);
    await must('timeout', [String(LEAVE_TIMEOUT_S), 'docker', 'wait', ...ids]);
    await this.refresh();
  }

  /** Asks all nodes but those in `silent`. */
  async statuses(silent: ReadonlySet<string> = new Set()): Promise<Statuses> {
    const asked = this.nodes.filter(({ address }) => !silent.has(address));
    const answers = await Promise.all(
      asked.map(async (node) => [node.address, await node.status()] as const),
    );
    return new Map(answers.filter((pair): pair is [string, StatusDocument] => pair[1] !== undefined));
  }

  /**
   * Waits until all of `members` (default: all that run) agree on a ring of just them in which one dispatches and all serve.
   *
   * @returns the dispatcher
   * @throws Error with what they say, when it takes longer than `timeoutMs`
   */
  async ring(timeoutMs: number, members: readonly Container[] = this.nodes): Promise<Container> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const statuses = await this.statuses(
        new Set(this.nodes.filter((node) => !members.includes(node)).map(({ address }) => address)),
      );
      const views = members.map(({ address }) => viewOf(statuses.get(address)));
      const wanted = members.map(({ address }) => address).sort();
      const dispatcher = members.find(
        ({ address }) => address === statuses.get(members[0].address)?.ring.dispatcher,
      );
      const agreed = `${dispatcher?.address} for ${wanted.join(' ')}`;
      const done = statuses.get(dispatcher?.address ?? '')?.rebuild.state !== 'running';
      if (dispatcher !== undefined && done && views.every((view) => view === agreed)) return dispatcher;
      if (Date.now() > deadline) {
        const said = members.map(({ address }, index) => `${address}: ${views[index]}`);
        throw new Error(`no ring of ${members.length} within ${timeoutMs / 1000} s; ${said.join('; ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** `172.30.78.2 for 172.30.78.2 172.30.78.3`: who dispatches, and who serves. Those that are gone are remembered as inactive. */
function viewOf(status: StatusDocument | undefined): string {
  if (status === undefined) return 'no answer';
  const active = status.ring.members.filter((member) => member.active).map(({ address }) => address);
  return `${status.ring.dispatcher} for ${active.sort().join(' ')}`;
}
