/** All checks together, on this host. */
import {
  formatPath,
  kernelNetwork,
  loadConfig,
  loadKeys,
  probeLan,
  unsupportedProblems,
  type ConfigProblem,
  type NodeConfig,
} from '@ringmaster/node';
import { accessSync, constants, readFileSync } from 'node:fs';
import { error, fine, warning, type Finding } from './finding.js';
import { machineFindings } from './machine.js';
import { networkFindings } from './network.js';
import { controlFinding, isRunning, leftoverFinding, portFindings } from './node.js';

function readProcessStatus(): string | undefined {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined;
  }
}

function mayWriteSysctl(path: string): boolean {
  try {
    accessSync(`/proc/sys/${path}`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function configFinding(file: string, { path, line, message }: ConfigProblem): Finding {
  const place = [line === undefined ? file : `${file}:${line}`, formatPath(path)].filter(
    (part) => part !== '',
  );
  const why = 'the node does not start with a configuration that it does not understand in full';
  return error(
    'configuration',
    `${place.join(': ')}: ${message}`,
    why,
    'change it there; docs/configuration.md explains every key',
  );
}

function keyFindings(config: NodeConfig): Finding[] {
  if (config.ring.insecure) {
    const why = 'whoever reaches the ring port can take the cluster over';
    return [
      warning(
        'key',
        'the ring runs without a key',
        why,
        'set ring.keyFile instead of insecure, unless nobody can',
      ),
    ];
  }
  const loaded = loadKeys(config.ring.keyFiles);
  const why = 'without the key of the cluster the others do not admit this node';
  if (!loaded.ok) {
    return loaded.problems.map(({ message }) => {
      const [what, ...cure] = message.split('; ');
      return error('key', what, why, cure.join('; '));
    });
  }
  if (loaded.value.warnings.length === 0)
    return [fine('key', 'the cluster key is there, and only its owner may read it')];
  return loaded.value.warnings.map((text) => {
    const [what, cure] = text.split('; run: ');
    return warning('key', what, 'whoever has the key can take the cluster over', `run: ${cure}`);
  });
}

async function configuredFindings(config: NodeConfig): Promise<Finding[]> {
  const running = await isRunning(config.control.socket);
  const network = networkFindings({
    network: kernelNetwork,
    config,
    running: running === true,
    mayWriteSysctl,
    probe: probeLan,
  });
  return [
    ...keyFindings(config),
    ...(await network),
    controlFinding(config, running),
    ...(await portFindings(config, running === true)),
    leftoverFinding(config),
  ];
}

/**
 * Looks at this host with the eyes of a node, and changes nothing.
 * @param file the configuration; absent: only the machine is looked at
 */
export async function examine(file: string | undefined): Promise<Finding[]> {
  const machine = machineFindings({
    platform: process.platform,
    nodeVersion: process.versions.node,
    processStatus: readProcessStatus(),
  });
  if (file === undefined) {
    const why = 'interface, addresses, key and ports depend on it';
    const cure = 'name it with --config, or write one with `ringmaster init`';
    return [...machine, warning('configuration', 'there is no configuration to check', why, cure)];
  }
  const loaded = loadConfig(file);
  const problems = loaded.ok ? unsupportedProblems(loaded.value) : loaded.problems;
  if (!loaded.ok || problems.length > 0) {
    return [...machine, ...problems.map((problem) => configFinding(file, problem))];
  }
  return [...machine, fine('configuration', `${file} is right`), ...(await configuredFindings(loaded.value))];
}
