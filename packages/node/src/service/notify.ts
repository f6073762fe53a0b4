import { UnixDatagramSender } from 'libnetraw';

/**
 * What a service tells systemd about itself (sd_notify(3)): lines like `READY=1` in a datagram to the socket that
 * NOTIFY_SOCKET names. Where there is none, nothing is told. Telling never stops a node: what fails is left out.
 */
export interface Notifier {
  /** Started: those that wait for this node go on. */
  ready(): void;
  /** The configuration is being read anew; `ready` says when that is done. */
  reloading(): void;
  stopping(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** Ends the heartbeat of the watchdog. */
  close(): void;
}

/** Sends one datagram; throws when it cannot. */
export type SendDatagram = (datagram: Uint8Array) => void;

export interface NotifierOptions {
  readonly send: SendDatagram;
  /** How often the watchdog is to be told; undefined: there is none. */
  readonly watchdogMs: number | undefined;
  /** CLOCK_MONOTONIC in microseconds: systemd wants to know since when the configuration is being read. */
  readonly monotonicUs: () => bigint;
}

/** Names of systemd's settings in the environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How often to tell the watchdog: half of its time, so that one late turn does no harm (sd_watchdog_enabled(3)).
 * Undefined where there is no watchdog, or it is for another process.
 */
export function watchdogIntervalMs(environment: Environment, pid: number): number | undefined {
  const { WATCHDOG_USEC: us, WATCHDOG_PID: watched } = environment;
  if (us === undefined || !/^[1-9]\d{0,15}$/.test(us)) return undefined;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  return Math.max(1, Math.floor(Number(us) / 2000));
}

export function createNotifier({ send, watchdogMs, monotonicUs }: NotifierOptions): Notifier {
  const say = (...lines: string[]): void => {
    try {
      send(new TextEncoder().encode(lines.join('\n')));
    } catch {
      // systemd is being restarted, or its queue is full: the next message may get there.
    }
  };
  // A timer of the main thread's loop: a loop that is stuck tells nothing, and the service is started anew.
  const heartbeat = watchdogMs === undefined ? undefined : setInterval(() => say('WATCHDOG=1'), watchdogMs);
  heartbeat?.unref();
  return {
    ready: () => say('READY=1'),
    reloading: () => say('RELOADING=1', `MONOTONIC_USEC=${monotonicUs()}`),
    stopping: () => say('STOPPING=1'),
    status: (text) => say(`STATUS=${text.replaceAll(/\s+/g, ' ').slice(0, 256)}`),
    close: () => clearInterval(heartbeat),
  };
}

const silent: Notifier = {
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  status: () => undefined,
  close: () => undefined,
};

const openSocket = (name: string): SendDatagram => {
  const sender = new UnixDatagramSender(name);
  return (datagram) => sender.send(datagram);
};

/**
 * The notifier that the environment asks for. What it read is taken out of the environment: commands that a node runs are
 * not to talk to systemd in its name.
 */
export function systemdNotifier(
  environment: Record<string, string | undefined>,
  open: (socket: string) => SendDatagram = openSocket,
): Notifier {
  const socket = environment['NOTIFY_SOCKET'];
  const watchdogMs = watchdogIntervalMs(environment, process.pid);
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  if (socket === undefined || !/^[/@]./.test(socket)) return silent;
  try {
    const monotonicUs = (): bigint => process.hrtime.bigint() / 1000n;
    return createNotifier({ send: open(socket), watchdogMs, monotonicUs });
  } catch {
    return silent;
  }
}
