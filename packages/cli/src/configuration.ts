/** Reading the configuration for a command, and saying what is wrong with it. */
import {
  formatProblem,
  loadConfig,
  loadKeys,
  unsupportedProblems,
  type ConfigProblem,
  type NodeConfig,
} from '@ringmaster/node';
import { ExitCode, Failure } from './failure.js';

/** `init` writes it here, and `up` looks for it here. */
export const DEFAULT_CONFIG = 'ringmaster.yaml';
export const DEFAULT_SOCKET = '/run/ringmaster.sock';

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

/** The same, and this version can run it, and its keys are there. */
export function readRunnableConfig(file: string): { config: NodeConfig; warnings: readonly string[] } {
  const config = readConfig(file);
  const keys = loadKeys(config.ring.keyFiles);
  const problems = [...unsupportedProblems(config), ...(keys.ok ? [] : keys.problems)];
  if (problems.length > 0) refuse(file, problems);
  return { config, warnings: keys.ok ? keys.value.warnings : [] };
}

/** Where the node listens: as given, or as the configuration says, or where it does by default. */
export function controlSocket(options: { readonly socket?: string; readonly config?: string }): string {
  if (options.socket !== undefined) return options.socket;
  return options.config === undefined ? DEFAULT_SOCKET : readConfig(options.config).control.socket;
}
