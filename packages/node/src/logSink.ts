/**
 * Where log lines leave the process. A log must never be the reason that a node dies or stops: a full disk, a closed
 * pipe or a reader that does not read costs lines, which are counted, and nothing else.
 *
 * Writing to the descriptor plainly does not promise that: a paused reader (`ringmaster up 2>&1 | less`) would pause
 * the heartbeat, and the others would bury a healthy node.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Held back while a pipe is full; beyond it lines are lost. */
const BACKLOG_BYTES = 256 * 1024;
const RETRY_MS = 50;

/**
 * Makes writing return at once when a pipe or socket is full. A pipe is opened anew, so that the flag belongs to our
 * opening only, not to whoever shares the pipe. A socket (as systemd gives for its journal) cannot be opened anew;
 * for standard error Node sets the flag when its stream is first asked for.
 */
function unblocked(fd: number): number {
  try {
    const kind = fstatSync(fd);
    if (kind.isSocket() && fd === 2) process.stderr.on('error', () => undefined);
    return kind.isFIFO() ? openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK) : fd;
  } catch {
    return fd;
  }
}

export class LogSink {
  readonly #fd: number;
  /** Bytes accepted and not written yet; the first of them may be the rest of a line. */
  #backlog = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #lostLines = 0;

  /** @param fd an open file descriptor, usually 2 */
  constructor(fd: number) {
    this.#fd = unblocked(fd);
  }

  /** Writes a line (with its line feed), or keeps it for later, or counts it as lost. Never throws, never blocks. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#backlog.length + bytes.length > BACKLOG_BYTES) {
      this.#lostLines++;
      return;
    }
    this.#backlog = this.#backlog.length === 0 ? bytes : Buffer.concat([this.#backlog, bytes]);
    if (this.#retry === undefined) this.flush();
  }

  /** Writes what is kept, as far as the reader takes it. */
  flush(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    while (this.#backlog.length > 0) {
      try {
        this.#backlog = this.#backlog.subarray(writeSync(this.#fd, this.#backlog));
      } catch (error) {
        this.#failed(error as NodeJS.ErrnoException);
        return;
      }
    }
  }

  /** How many lines were lost since this was last asked. */
  takeLostLines(): number {
    const lost = this.#lostLines;
    this.#lostLines = 0;
    return lost;
  }

  /** A full pipe is waited for (EAGAIN); anything else (EPIPE, ENOSPC, EIO) costs what was kept. */
  #failed({ code }: NodeJS.ErrnoException): void {
    if (code === 'EAGAIN') {
      this.#retry = setTimeout(() => this.flush(), RETRY_MS).unref();
      return;
    }
    this.#lostLines += this.#backlog.toString('latin1').split('\n').length - 1;
    this.#backlog = Buffer.alloc(0);
  }
}
