import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { LabError } from '../errors.js';

/** How a process ended: with a code, or by a signal. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  /** Added to the environment of the lab. */
  readonly env?: Readonly<Record<string, string>>;
  /** File that collects standard output and standard error. */
  readonly log?: string;
}

/** Lines kept for `waitForLine` and for error messages. */
const KEPT_LINES = 500;

/** A program that runs on a host of the lab. */
export class LabProcess {
  /** The command, for messages. */
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended and its output has been read. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #ended: ExitStatus | undefined;

  /** Use `Host.spawn`. `argv` is a full command line that keeps its process id through every exec. */
  constructor(name: string, argv: readonly string[], options: SpawnOptions = {}) {
    this.name = name;
    this.#child = spawn(argv[0], argv.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a' });
    const read = [this.#read(this.#child.stdout!, log, true), this.#read(this.#child.stderr!, log, false)];
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#keep(`cannot start: ${error.message}`));
      this.#child.on('close', (code, signal) => {
        this.#ended = { code, signal };
        void Promise.all(read).then(() => {
          log?.end();
          resolve({ code, signal });
        });
      });
    });
    this.pid = this.#child.pid ?? -1;
  }

  /** How it ended, or undefined while it runs. */
  get ended(): ExitStatus | undefined {
    return this.#ended;
  }

  /** The last lines it wrote, standard output and standard error together, oldest first. */
  get tail(): readonly string[] {
    return this.#lines;
  }

  /** Sends a signal; false when the process is gone. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.#child.kill(signal);
  }

  /** Freezes it, as a starved or suspended machine would. */
  pause(): void {
    this.kill('SIGSTOP');
  }

  resume(): void {
    this.kill('SIGCONT');
  }

  /** Asks it to end, and kills it when it has not after `graceMs`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 3000): Promise<ExitStatus> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    const status = await this.exited;
    clearTimeout(timer);
    return status;
  }

  /** Calls `listener` for every further line of standard output. Returns a function that ends this. */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first line (written already or to come) for which `wanted` holds.
   *
   * @throws LabError `timeout`, or `processExited` when it ended without such a line.
   */
  async waitForLine(wanted: (line: string) => boolean, timeoutMs: number): Promise<string> {
    const present = this.#lines.find(wanted);
    if (present !== undefined) return present;
    let stopListening: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    const line = new Promise<string>((resolve) => {
      stopListening = this.onLine((text) => wanted(text) && resolve(text));
    });
    const late = new Promise<LabError>((resolve) => {
      const message = `'${this.name}' did not say what was expected within ${timeoutMs} ms.`;
      timer = setTimeout(() => resolve(new LabError('timeout', `${message}\n${this.#excerpt()}`)), timeoutMs);
    });
    const gone = this.exited.then(({ code, signal }) => {
      return new LabError('processExited', `'${this.name}' ended (${signal ?? code}).\n${this.#excerpt()}`);
    });
    const outcome = await Promise.race([line, late, gone]);
    stopListening();
    clearTimeout(timer);
    if (outcome instanceof LabError) throw outcome;
    return outcome;
  }

  #excerpt(): string {
    return this.#lines.length === 0 ? 'It wrote nothing.' : this.#lines.slice(-20).join('\n');
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }

  #read(stream: Readable, log: WriteStream | undefined, announce: boolean): Promise<void> {
    return new Promise((resolve) => {
      const lines = createInterface({ input: stream, crlfDelay: Infinity });
      lines.on('line', (line) => {
        this.#keep(line);
        log?.write(`${line}\n`);
        if (announce) for (const listener of this.#listeners) listener(line);
      });
      lines.on('close', resolve);
    });
  }
}
