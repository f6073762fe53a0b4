/** Checks of the machine: the same whatever the configuration says. */
import { error, fine, warning, type Finding } from './finding.js';

const OLDEST_NODE = [20, 19] as const;

/** Bits of the capability sets (linux/capability.h). */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13 } as const;

/** What is known of the machine; a value, so that tests can make up machines. */
export interface MachineFacts {
  /** `process.platform` */
  readonly platform: string;
  /** `process.versions.node` */
  readonly nodeVersion: string;
  /** The text of /proc/self/status, or undefined where there is none. */
  readonly processStatus: string | undefined;
}

/** Names of the wanted capabilities that are missing from the effective set in /proc/self/status (proc(5)). */
export function missingCapabilities(processStatus: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(processStatus)?.[1] ?? '0'}`);
  return Object.entries(CAPABILITIES)
    .filter(([, bit]) => (effective & (1n << BigInt(bit))) === 0n)
    .map(([name]) => name);
}

function platform({ platform: name }: MachineFacts): Finding {
  if (name === 'linux') return fine('platform', 'this is Linux');
  const why = 'packets are taken and sent through interfaces that only Linux has';
  return error('platform', `this is ${name}`, why, 'use a Linux host, or a container on one');
}

function nodeVersion({ nodeVersion: version }: MachineFacts): Finding {
  const [major, minor] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  if (!isOld) return fine('node-version', `Node ${version} is recent enough`);
  const oldest = OLDEST_NODE.join('.');
  return error(
    'node-version',
    `Node ${version} is too old`,
    `it is not tested before ${oldest}`,
    `use Node ${oldest} or newer`,
  );
}

function privileges({ processStatus }: MachineFacts): Finding {
  if (processStatus === undefined) {
    return warning(
      'privileges',
      'the privileges of this process are unknown',
      'the node needs some',
      'mount /proc',
    );
  }
  const missing = missingCapabilities(processStatus);
  if (missing.length === 0) return fine('privileges', 'CAP_NET_RAW and CAP_NET_ADMIN are there');
  const why =
    'the node reads and sends frames (CAP_NET_RAW) and puts the cluster address on lo (CAP_NET_ADMIN)';
  return error(
    'privileges',
    `${missing.join(' and ')} missing`,
    why,
    'run as root, or give the process these capabilities',
  );
}

/** Nothing compares the times of two hosts: said here because it is so often asked. */
const clock = (): Finding => fine('clock', 'the clocks of the nodes need not agree: nothing depends on them');

/** Linux, Node, privileges. */
export const machineFindings = (facts: MachineFacts): Finding[] => [
  platform(facts),
  nodeVersion(facts),
  privileges(facts),
  clock(),
];
