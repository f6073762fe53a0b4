/** `ringmaster up`: runs the node in the foreground until it is told to stop. */
import {
  createLogger,
  runNode,
  StartProblem,
  systemdNotifier,
  type LogFormat,
  type Logger,
  type LogLevel,
  type NodeConfig,
  type NodeDependencies,
  type NodeEvent,
  type RunningNode,
} from '@ringmaster/node';
import { closeSync, openSync } from 'node:fs';
import { readRunnableConfig } from '../configuration.js';
import { ExitCode, Failure } from '../failure.js';

export interface UpOptions {
  readonly config: string;
  readonly logFormat?: LogFormat;
  readonly logLevel?: LogLevel;
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Leaving takes well under a second. A node that is stuck is given up after this; the next start cleans up. */
const STOP_DEADLINE_MS = 3000;

/** What ends a node: the wish of its operator, or something that went wrong in it. */
type End =
  { readonly kind: 'asked'; readonly signal: string } | { readonly kind: 'failed'; readonly why: string };

/** The first reason to end, and the way for a part of the node to give one. */
interface Ending {
  readonly first: Promise<End>;
  readonly fail: (why: string) => void;
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/**
 * Watches for signals and for errors that nobody caught. Once the node is ending, a further signal ends the process at
 * once: whoever presses Ctrl-C twice means it.
 */
function watchForEnd(): Ending {
  let isEnding = false;
  let resolve: (end: End) => void;
  const first = new Promise<End>((settle) => (resolve = settle));
  const end = (reason: End): void => {
    isEnding = true;
    resolve(reason);
  };
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => (isEnding ? process.exit(ExitCode.failed) : end({ kind: 'asked', signal })));
  }
  const fail = (why: string): void => end({ kind: 'failed', why });
  process.on('uncaughtException', (error) => fail(describe(error)));
  process.on('unhandledRejection', (error) => fail(describe(error)));
  return { first, fail };
}

/** Whether this process has a terminal: one that was closed is nobody's any more. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * SIGHUP asks for a reload. It also comes when the terminal is closed in which the node runs, and then it is to end, the host
 * being restored.
 */
function watchForHangup(node: RunningNode, hadTerminal: boolean): void {
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) process.kill(process.pid, 'SIGTERM');
    // The log tells what has become of it.
    else void node.reload();
  });
}

/** Starts the node; what stands in its way becomes one message, everything else is a bug. */
async function start(config: NodeConfig, dependencies: NodeDependencies): Promise<RunningNode> {
  try {
    return await runNode(config, dependencies);
  } catch (error) {
    throw error instanceof StartProblem ? new Failure(error.message) : error;
  }
}

async function stop(node: RunningNode, logger: Logger, asked: boolean): Promise<void> {
  const deadline = setTimeout(() => {
    const deadlineMs = STOP_DEADLINE_MS;
    logger.error('the node did not stop in time; the next start undoes what it left', { deadlineMs });
    process.exit(ExitCode.failed);
  }, STOP_DEADLINE_MS);
  await node.stop(asked);
  clearTimeout(deadline);
}

/** Runs until a signal comes or a part of the node fails; resolves with the exit code, the host being restored. */
export async function up(options: UpOptions): Promise<number> {
  const { config, warnings } = readRunnableConfig(options.config);
  const logger = createLogger({
    ...(options.logFormat === undefined ? {} : { format: options.logFormat }),
    ...(options.logLevel === undefined ? {} : { level: options.logLevel }),
  });
  for (const warning of warnings) logger.warn(warning);
  const ending = watchForEnd();
  const service = systemdNotifier(process.env);
  // The line of `systemctl status`: what this node is, and since what.
  const onEvent = ({ kind, text }: NodeEvent): void => {
    if (kind === 'role' || kind === 'phase') service.status(text);
  };
  const onReload = (isUnderWay: boolean): void => (isUnderWay ? service.reloading() : service.ready());
  const hadTerminal = hasTerminal();
  // Until the node runs there is nothing to reload.
  const ignore = (): void => undefined;
  process.on('SIGHUP', ignore);
  const node = await start(config, { logger, onFatal: ending.fail, onEvent, onReload });
  watchForHangup(node, hadTerminal);
  process.off('SIGHUP', ignore);
  service.ready();
  const end = await ending.first;
  if (end.kind === 'asked') logger.info('stopping', { signal: end.signal });
  else logger.error('the node cannot go on and stops', { why: end.why });
  service.stopping();
  await stop(node, logger, end.kind === 'asked');
  service.close();
  return end.kind === 'asked' ? ExitCode.ok : ExitCode.failed;
}
