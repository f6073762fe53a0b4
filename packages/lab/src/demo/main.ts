/** `npm run demo`: a cluster of four nodes in network namespaces loses its dispatcher and gets it back. */
import { Command } from 'commander';
import { Cluster } from '../cluster/cluster.js';
import { LabError } from '../errors.js';
import { enterLab } from '../world/enter.js';
import { brokenPromises, type DemoResult } from './result.js';
import { Screen } from './screen.js';
import { Story, topology } from './story.js';

interface DemoOptions {
  readonly json: boolean;
  readonly nodes: number;
  readonly connections: number;
  readonly logs?: string;
}

const NODES = 4;
const CONNECTIONS = 200;

function options(): DemoOptions {
  const program = new Command('npm run demo --')
    .description('Raises a cluster on this machine, kills its dispatcher, and shows what the clients notice.')
    .option('--json', 'print the figures as one JSON object on the last line', false)
    .option('--nodes <n>', 'how many nodes (2 to 8)', Number, NODES)
    .option('--connections <n>', 'how many long-lived connections', Number, CONNECTIONS)
    .option('--logs <directory>', 'keep the configurations and logs of the nodes there');
  const chosen = program.parse().opts<DemoOptions>();
  const { nodes, connections } = chosen;
  if (!(Number.isInteger(nodes) && nodes >= 2 && nodes <= 8))
    program.error('--nodes wants a number from 2 to 8');
  if (!(Number.isInteger(connections) && connections > 0))
    program.error('--connections wants a number above 0');
  return chosen;
}

async function play(screen: Screen, cluster: Cluster, connections: number): Promise<DemoResult> {
  const story = new Story(screen, cluster);
  screen.title('1. Identical nodes form a ring');
  for (const line of topology(cluster)) screen.line(`      ${line}`);
  screen.line();
  await story.raise();
  screen.title('2. Requests are spread over all of them, the dispatcher included');
  const spread = await story.spread();
  screen.title(`3. ${connections} long-lived connections, and new ones all the time`);
  await story.load(connections);
  screen.title('4. kill -9 of the dispatcher');
  const failover = await story.failover();
  screen.title('5. The killed node comes back');
  const failback = await story.failback(cluster.hostAt(failover.killedAddress));
  await story.end();
  const figures = { nodes: cluster.hosts.length, spread, failover, failback };
  return { ...figures, broken: brokenPromises(figures) };
}

async function main(): Promise<number> {
  const chosen = options();
  await enterLab();
  const screen = new Screen();
  screen.line(screen.colors.bold('Ringmaster: a cluster without a box that must not die'));
  const { nodes, connections, logs } = chosen;
  const cluster = await Cluster.build({ nodes, ...(logs === undefined ? {} : { directory: logs }) });
  const result = await play(screen, cluster, connections);
  await cluster.close();
  screen.line();
  for (const promise of result.broken) screen.bad(`promise broken: ${promise}`);
  if (result.broken.length === 0)
    screen.good(screen.colors.bold('All promises kept. Nothing is left on this machine.'));
  if (chosen.json) screen.line(JSON.stringify(result));
  return result.broken.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`\ndemo: ${error.message}\n`);
  // Whatever still runs in the lab ends with this process.
  process.exit(1);
}
