import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.js';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';

const SOURCES = fileURLToPath(new URL('../../../../test/bench/', import.meta.url));
const START_MS = 5000;

/** The address and the virtual MAC that the C reference dispatches, beside the cluster's own. */
export const REFERENCE_ADDRESS = '10.0.0.101';
const REFERENCE_MAC = '02:52:4d:00:00:65';

/** The C programs of `test/bench`, compiled for this run. */
export interface Programs {
  readonly dispatcher: string;
  readonly udp: string;
  readonly connections: string;
}

/** Compiles the C programs into the host's directory; undefined where there is no compiler. */
export async function compilePrograms(host: Host): Promise<Programs | undefined> {
  if ((await host.exec('sh', ['-c', 'command -v cc'])).code !== 0) return undefined;
  const compile = async (name: keyof Programs): Promise<string> => {
    const binary = `${host.directory}/${name}`;
    const { code, stderr } = await host.exec('cc', ['-O2', '-Wall', '-o', binary, `${SOURCES}${name}.c`]);
    if (code !== 0) throw new LabError('commandFailed', `${name}.c does not compile:\n${stderr}`);
    return binary;
  };
  const [dispatcher, udp, connections] = await Promise.all([
    compile('dispatcher'),
    compile('udp'),
    compile('connections'),
  ]);
  return { dispatcher, udp, connections };
}

/**
 * Starts the C dispatcher on the host that also runs Ringmaster's, so that both find the same: a dispatcher that is one
 * of the servers. Nodes must run already, because they set how their hosts answer ARP.
 */
export async function startReference(
  cluster: Cluster,
  programs: Programs,
  port: number,
): Promise<LabProcess> {
  const [dispatching] = cluster.hosts;
  for (const { host } of cluster.hosts) await host.addAddress(`${REFERENCE_ADDRESS}/32`, 'lo');
  const servers = cluster.hosts.map((host) => (host === dispatching ? 'local' : host.host.mac));
  const args = ['eth0', REFERENCE_ADDRESS, REFERENCE_MAC, String(port), ...servers];
  const started = dispatching.host.spawn(programs.dispatcher, args, { log: 'reference.log' });
  await started.waitForLine((line) => line === 'ready', START_MS);
  return started;
}
