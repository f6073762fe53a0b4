import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';

/** One kind of work that every contender has to do. */
export interface Work {
  readonly name: 'keep-alive' | 'new connections' | 'bulk' | 'latency';
  /** What the figure counts. */
  readonly unit: 'requests/s' | 'connections/s' | 'bytes/s' | 'us';
  readonly connections: number;
  readonly path: string;
  /** Every request on a connection of its own. */
  readonly close: boolean;
}

/** What one run of a load generator gave. */
export interface LoadFigures {
  readonly requestsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Connections that failed and answers other than 2xx and 3xx. */
  readonly errors: number;
}

/** A program that makes load. */
export interface LoadGenerator {
  readonly name: string;
  run(client: Host, target: string, work: Work, seconds: number): Promise<LoadFigures>;
}

const BUILT_IN = fileURLToPath(new URL('./flood.js', import.meta.url));

/** wrk where it is installed, else a small generator of our own. `host` is where it will run. */
export async function findLoadGenerator(host: Host): Promise<LoadGenerator> {
  const { code } = await host.exec('sh', ['-c', 'command -v wrk']);
  return code === 0 ? { name: 'wrk', run: runWrk } : { name: 'built-in (node)', run: runBuiltIn };
}

async function runWrk(client: Host, target: string, work: Work, seconds: number): Promise<LoadFigures> {
  const shape = ['-t1', `-c${work.connections}`, `-d${seconds}s`, '--latency'];
  const header = work.close ? ['-H', 'Connection: close'] : [];
  return parseWrk(await generate(client, 'wrk', [...shape, ...header, `http://${target}${work.path}`]));
}

async function runBuiltIn(client: Host, target: string, work: Work, seconds: number): Promise<LoadFigures> {
  const flags = [target, work.path, String(work.connections), String(seconds), String(work.close)];
  return JSON.parse(await generate(client, process.execPath, [BUILT_IN, ...flags])) as LoadFigures;
}

async function generate(client: Host, command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await client.exec(command, args);
  if (code !== 0)
    throw new LabError('commandFailed', `'${command} ${args.join(' ')}' failed: ${stderr || stdout}`);
  return stdout;
}

const TIME_US: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 6e7 };
const SIZE_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

/**
 * Reads the report of `wrk --latency`.
 *
 * @throws LabError `commandFailed` when it is no such report.
 */
export function parseWrk(report: string): LoadFigures {
  const requests = /Requests\/sec:\s+([\d.]+)/.exec(report);
  const bytes = /Transfer\/sec:\s+([\d.]+)([KMGT]?)B/.exec(report);
  const percentile = (percent: number) => {
    const found = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)$`, 'm').exec(report);
    return found === null ? NaN : Number(found[1]) * TIME_US[found[2]];
  };
  if (requests === null || bytes === null) {
    throw new LabError('commandFailed', `wrk reported something else than expected:\n${report}`);
  }
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report);
  const otherStatus = /Non-2xx or 3xx responses: (\d+)/.exec(report);
  const errors = [...(socketErrors?.slice(1) ?? []), otherStatus?.[1] ?? '0'];
  return {
    requestsPerSecond: Number(requests[1]),
    bytesPerSecond: Number(bytes[1]) * SIZE_BYTES[bytes[2]],
    p50Us: percentile(50),
    p99Us: percentile(99),
    errors: errors.reduce((sum, count) => sum + Number(count), 0),
  };
}
