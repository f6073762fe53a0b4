/** Checks of the kernel and the network cards, by trying what a node does with them. */
import type { FeatureTrial, KernelFeature, NodeConfig } from '@ringmaster/node';
import { error, fine, warning, type Finding } from './finding.js';

const CHECK = 'kernel';

/** What a feature is for, and what it is called where kernels are built. */
const FEATURES: Readonly<Record<KernelFeature, { readonly use: string; readonly option: string }>> = {
  'packet-ring': { use: 'take packets from the interface', option: 'CONFIG_PACKET' },
  'packet-fanout': { use: 'share packets among several workers', option: 'CONFIG_PACKET' },
  'sock-diag': { use: 'list the connections of this host after a takeover', option: 'CONFIG_INET_TCP_DIAG' },
  'sock-destroy': {
    use: 'reset what is left at the deadline of a drain',
    option: 'CONFIG_INET_DIAG_DESTROY',
  },
};

const DENIED = ['EPERM', 'EACCES'];

/** Without them a node works less well; without the others not at all. */
function isOptional(feature: KernelFeature, config: NodeConfig): boolean {
  return feature === 'sock-destroy' || (feature === 'packet-fanout' && config.workers === 1);
}

/**
 * Judges what the kernel did when it was tried.
 * @param hasCapabilities whether the process has the capabilities that a node needs
 */
export function kernelFindings(
  trials: readonly FeatureTrial[],
  config: NodeConfig,
  hasCapabilities: boolean,
): Finding[] {
  const denied = trials.some(({ failure }) => failure !== undefined && DENIED.includes(failure));
  if (denied && hasCapabilities) {
    const why = 'capabilities count only in the user namespace that owns the network namespace';
    const cure =
      'run it as root of the host, or give the container a network namespace of its own (unshare --user --net)';
    return [error(CHECK, 'packet sockets are refused in spite of the capabilities', why, cure)];
  }
  const failed = trials.flatMap(({ feature, failure }): Finding[] => {
    if (failure === undefined || DENIED.includes(failure)) return [];
    const { use, option } = FEATURES[feature];
    const report = isOptional(feature, config) ? warning : error;
    const cure = `use a kernel with ${option}, as distributions build it`;
    return [report(CHECK, `this kernel cannot ${use} (${failure})`, 'the node asks for it', cure)];
  });
  if (failed.length > 0) return failed;
  if (!denied) return [fine(CHECK, 'packet rings, fan-out, sock_diag and SOCK_DESTROY work')];
  const why = 'packet rings and sock_diag need privileges, also to be tried';
  return [warning(CHECK, 'what this kernel can do was not tried', why, 'run doctor as root')];
}

/** Merging of packets in the card: what was merged is no packet that could be passed on. */
export function offloadFindings(
  interfaces: readonly { readonly name: string; readonly on: boolean }[],
): Finding[] {
  return interfaces.map(({ name, on }) => {
    if (!on) return fine('offloads', `${name} does not merge packets in hardware (LRO)`);
    const why = 'what the card has merged cannot be passed on: large requests of clients get lost';
    const remedy = { kind: 'no-large-receive', interface: name } as const;
    return error(
      'offloads',
      `${name} merges packets in hardware (LRO)`,
      why,
      `run: ethtool -K ${name} lro off`,
      remedy,
    );
  });
}
