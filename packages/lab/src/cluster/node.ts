import type { StatusDocument } from '@ringmaster/node';
import { writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import type { ExitStatus, LabProcess } from '../world/process.js';

/** The command as users run it. */
const RINGMASTER = fileURLToPath(new URL('../../../cli/bin/ringmaster.js', import.meta.url));

const START_TIMEOUT_MS = 20_000;
const STATUS_TIMEOUT_MS = 3000;
/** `ringmaster up` leaves gracefully within 1 s; a busy machine gets some more. */
const STOP_GRACE_MS = 5000;

/** A configuration file as an object; `control.socket` is filled in when it is missing. */
export type NodeFile = Readonly<Record<string, unknown>>;

/** A Ringmaster node that runs on a host. */
export class RingmasterNode {
  readonly host: Host;
  readonly configFile: string;
  readonly controlSocket: string;
  readonly process: LabProcess;

  constructor(host: Host, configFile: string, controlSocket: string, process: LabProcess) {
    this.host = host;
    this.configFile = configFile;
    this.controlSocket = controlSocket;
    this.process = process;
  }

  /**
   * The status document, straight from the control socket: no process is started, so that asking disturbs little.
   *
   * @throws LabError `noStatus` when the node does not answer.
   */
  status(): Promise<StatusDocument> {
    return getStatus(this.controlSocket, this.host.name);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): boolean {
    return this.process.kill(signal);
  }

  /** Lets the node leave gracefully. */
  stop(): Promise<ExitStatus> {
    return this.process.stop('SIGTERM', STOP_GRACE_MS);
  }
}

/** Writes `config` into the host's directory (JSON is YAML) and returns the file's path and the control socket's. */
export async function writeNodeFile(host: Host, config: NodeFile): Promise<{ file: string; socket: string }> {
  const file = join(host.directory, 'ringmaster.yaml');
  const socket = join(host.directory, 'ringmaster.sock');
  await writeFile(file, `${JSON.stringify({ control: { socket }, ...config }, undefined, 2)}\n`);
  return { file, socket };
}

/** Runs the `ringmaster` command on a host to its end. */
export function ringmaster(host: Host, ...args: string[]) {
  return host.exec(process.execPath, [RINGMASTER, ...args]);
}

/**
 * Starts `ringmaster up` on a host and waits until it answers on its control socket.
 *
 * @throws LabError `processExited` (with what it said) or `timeout`.
 */
export async function startNode(host: Host, config: NodeFile): Promise<RingmasterNode> {
  const { file, socket } = await writeNodeFile(host, config);
  const args = [RINGMASTER, 'up', '--config', file, '--log-format', 'json'];
  const started = host.spawn(process.execPath, args, { log: 'ringmaster.log' });
  const node = new RingmasterNode(host, file, socket, started);
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const failure = await node.status().then(
      () => undefined,
      (error: LabError) => error.message,
    );
    if (failure === undefined) return node;
    const said = started.tail.slice(-20).join('\n');
    if (started.ended !== undefined) {
      throw new LabError('processExited', `'ringmaster up' on ${host.name} ended:\n${said}`);
    }
    if (Date.now() > deadline) throw new LabError('timeout', `${failure} It said:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function getStatus(socketPath: string, name: string): Promise<StatusDocument> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new LabError('noStatus', `The node on ${name} does not tell its status (${why}).`));
    const request = get(
      { socketPath, path: '/status', timeout: STATUS_TIMEOUT_MS, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data: string) => (text += data));
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          if (response.statusCode !== 200) return fail(`HTTP ${response.statusCode}: ${text}`);
          resolve(JSON.parse(text) as StatusDocument);
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error(`silent for ${STATUS_TIMEOUT_MS} ms`)));
    request.on('error', (error) => fail(error.message));
  });
}
