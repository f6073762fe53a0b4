/** `ringmaster init`: a commented configuration and a key, to start from. */
import {
  configTemplate,
  configurationSchemaText,
  formatKeyFile,
  generateKey,
  kernelNetwork,
  SCHEMA_FILE,
  type HostNetwork,
} from '@ringmaster/node';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { Failure } from '../failure.js';
import { DEFAULT_CONFIG } from '../configuration.js';

export interface InitOptions {
  readonly directory: string;
  readonly interface?: string;
  readonly address?: string;
}

export interface Guess {
  readonly interface: string;
  readonly address: string;
  /** What was not given but guessed, for the user to check. */
  readonly notes: readonly string[];
}

const KEY_FILE = 'cluster.key';

/** The host number that is proposed for the cluster address, where the network has room for it. */
const PROPOSED_HOST = 100;

/** An address in the network of `own` that is not `own`: only a proposal, nobody is asked. */
export function proposeClusterAddress(own: string, prefixLength: number): string {
  const value = own.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const hosts = 2 ** (32 - prefixLength);
  const network = Math.floor(value / hosts) * hosts;
  const wanted = Math.min(PROPOSED_HOST, Math.max(hosts - 2, 1));
  const address = network + wanted === value ? value - 1 : network + wanted;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** Fills in what the user did not say from what the host has. */
export function guess(network: HostNetwork, options: Omit<InitOptions, 'directory'>): Guess {
  const notes: string[] = [];
  const links = network.links().filter(({ name, up }) => up && name !== 'lo');
  const owned = network.addresses();
  const link = links.find(({ name }) => owned.some((entry) => entry.interface === name)) ?? links[0];
  const name = options.interface ?? link?.name ?? 'eth0';
  if (options.interface === undefined)
    notes.push(`interface ${name}: the first one that could be the right one`);
  const own = owned.find((entry) => entry.interface === name);
  const proposed = own === undefined ? '10.0.0.100' : proposeClusterAddress(own.address, own.prefixLength);
  if (options.address === undefined) {
    notes.push(`cluster address ${proposed}: a proposal, put the one there that clients shall call`);
  }
  return { interface: name, address: options.address ?? proposed, notes };
}

function write(file: string, content: string, mode: number, flag: 'wx' | 'w' = 'wx'): void {
  try {
    writeFileSync(file, content, { flag, mode });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new Failure(`${file} is there already and is left as it is; remove it, or use --directory`);
    throw new Failure(`${file} cannot be written: ${message}`);
  }
}

export function init(options: InitOptions): void {
  if (options.address !== undefined && !isIPv4(options.address)) {
    throw new Failure(
      `--address: expected an IPv4 address like 10.0.0.100, found ${JSON.stringify(options.address)}`,
    );
  }
  const { notes, ...chosen } = guess(kernelNetwork, options);
  try {
    mkdirSync(options.directory, { recursive: true });
  } catch (error) {
    throw new Failure(`${options.directory} cannot be made: ${(error as Error).message}`);
  }
  const config = join(options.directory, DEFAULT_CONFIG);
  const key = join(options.directory, KEY_FILE);
  const schema = join(options.directory, SCHEMA_FILE);
  write(config, configTemplate(chosen), 0o644);
  // Nothing in it is the user's: that of another version is replaced.
  write(schema, configurationSchemaText(), 0o644, 'w');
  const keyIsThere = existsSync(key);
  if (!keyIsThere) write(key, formatKeyFile(generateKey()), 0o600);
  const lines = [
    `wrote ${config}`,
    ...notes.map((note) => `  guessed ${note}`),
    `wrote ${schema}, by which editors know the keys`,
    keyIsThere
      ? `kept  ${key}, which was there`
      : `wrote ${key}, which is secret: only its owner may read it`,
    '',
    'Next: read the configuration through, copy the files to every node of the cluster, and on each run',
    `  ringmaster doctor --config ${config}`,
    `  ringmaster up --config ${config}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
