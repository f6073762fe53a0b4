/** Reading the configuration for a command, and saying what is wrong with it. */
import {
  examineConfig,
  formatProblem,
  loadConfig,
  type ConfigProblem,
  type NodeConfig,
} from '@ringmaster/node';
import { existsSync } from 'node:fs';
import { ExitCode, Failure } from './failure.js';

/** `init` writes it here, and `up` looks for it here. */
export const DEFAULT_CONFIG = 'ringmaster.yaml';
export const DEFAULT_SOCKET = '/run/ringmaster.sock';
/** Where the packaged service has both. */
const SERVICE_CONFIG = '/etc/ringmaster/ringmaster.yaml';
const SERVICE_SOCKET = '/run/ringmaster/node.sock';

function refuse(file: string, problems: readonly ConfigProblem[]): never {
  // A file that could not be read is named in the message already.
  const lines = problems.map((problem) =>
    problem.code === 'unreadable' ? problem.message : formatProblem(file, problem),
  );
  throw new Failure(lines.join('\n'), ExitCode.configuration);
}

/** The checked configuration at `file`. Throws a `Failure` that lists every problem. */
export function readConfig(file: string): NodeConfig {
  const loaded = loadConfig(file);
  return loaded.ok ? loaded.value : refuse(file, loaded.problems);
}

/** A configuration that a node can run, and what should be mended all the same. Throws a `Failure` that lists every problem. */
export function readRunnableConfig(file: string): { config: NodeConfig; warnings: readonly string[] } {
  const examined = examineConfig(file);
  return examined.ok ? examined : refuse(file, examined.problems);
}

/** Where the node listens: as given, or as the configuration says, or where it does by default. */
export function controlSocket(options: { readonly socket?: string; readonly config?: string }): string {
  if (options.socket !== undefined) return options.socket;
  return options.config === undefined ? defaultSocket() : readConfig(options.config).control.socket;
}

/** The socket of a node that was started by hand, or that of the service. */
function defaultSocket(): string {
  return existsSync(SERVICE_SOCKET) && !existsSync(DEFAULT_SOCKET) ? SERVICE_SOCKET : DEFAULT_SOCKET;
}

/** The configuration that is meant when none is named; undefined when there is none. */
export const presentConfig = (): string | undefined => [DEFAULT_CONFIG, SERVICE_CONFIG].find(existsSync);
