/** All checks together, on this host. */
import {
  countDispatchers,
  formatPath,
  kernelNetwork,
  keyIdsOf,
  loadConfig,
  loadKeys,
  mergesInHardware,
  probeLan,
  tryForeignMac,
  tryFullSize,
  tryKernel,
  unsupportedProblems,
  watchLan,
  type ConfigProblem,
  type NodeConfig,
} from '@ringmaster/node';
import { accessSync, constants, readFileSync } from 'node:fs';
import { error, fine, warning, type Finding } from './finding.js';
import { firewallFindings, readFirewall } from './firewall.js';
import { kernelFindings, offloadFindings } from './kernel.js';
import { machineFindings, missingCapabilities } from './machine.js';
import { networkFindings } from './network.js';
import { askNode, controlFinding, leftoverFinding, portFindings } from './node.js';

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
    const file = cure.replace(/^chmod 600 /, '');
    const why = 'whoever has the key can take the cluster over';
    return warning('key', what, why, `run: ${cure}`, { kind: 'mode', file, mode: 0o600 });
  });
}

/** A node's interfaces that are there; what is wrong with the others is said elsewhere. */
function presentInterfaces(config: NodeConfig): string[] {
  const names = [config.interface, ...(config.outside ? [config.outside.interface] : [])];
  const there = new Set(kernelNetwork.links().map(({ name }) => name));
  return names.filter((name) => there.has(name));
}

function looseTracking(): string | undefined {
  try {
    return kernelNetwork.readSysctl('net/netfilter/nf_conntrack_tcp_loose');
  } catch {
    return undefined; // this kernel does not track connections here
  }
}

/** What the kernel, the cards and the firewall of this host do. */
async function hostFindings(config: NodeConfig): Promise<Finding[]> {
  const interfaces = presentInterfaces(config);
  const hasCapabilities = missingCapabilities(readProcessStatus() ?? '').length === 0;
  const { transport, port } = config.ring;
  const ring = { interface: config.interface, port, overUdp: transport === 'udp' };
  return [
    ...(interfaces.length === 0 ? [] : kernelFindings(tryKernel(interfaces[0]), config, hasCapabilities)),
    ...offloadFindings(interfaces.map((name) => ({ name, on: mergesInHardware(name) }))),
    ...firewallFindings(await readFirewall(), ring, looseTracking()),
  ];
}

async function configuredFindings(config: NodeConfig, listenMs: number): Promise<Finding[]> {
  const { running, status } = await askNode(config.control.socket);
  const keys = loadKeys(config.ring.keyFiles);
  const network = networkFindings({
    network: kernelNetwork,
    config,
    running: running === true,
    mayWriteSysctl,
    probe: probeLan,
    lan: {
      tools: { watch: watchLan, tryForeignMac, tryFullSize, countDispatchers },
      listenMs,
      status,
      keyIds: keys.ok ? keyIdsOf(keys.value.keys) : [],
    },
  });
  return [
    ...keyFindings(config),
    ...(await hostFindings(config)),
    ...(await network),
    controlFinding(config, running),
    ...(await portFindings(config, running === true)),
    leftoverFinding(config),
  ];
}

/**
 * Looks at this host with the eyes of a node, and changes nothing.
 * @param file the configuration; absent: only the machine is looked at
 * @param listenMs for how long to listen to the LAN
 */
export async function examine(file: string | undefined, listenMs: number): Promise<Finding[]> {
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
  return [
    ...machine,
    fine('configuration', `${file} is right`),
    ...(await configuredFindings(loaded.value, listenMs)),
  ];
}
