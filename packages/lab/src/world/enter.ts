import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { LabError } from '../errors.js';

/**
 * The lab is a world of its own: network, mount and process namespaces in which the program runs a second time. All
 * that it makes (hosts, links, processes, files under /run) belongs to these namespaces, so nothing is left on the
 * machine however the program ends, `kill -9` included.
 */
const MARKER = '/run/ringmaster-lab';

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const AS_OWN_ROOT = ['--user', '--map-root-user'];

/** A shell stays process 1: it reaps orphans, and the program keeps its usual signal behaviour. */
const FIRST_PROCESS = `mount -t tmpfs -o mode=755 tmpfs /run && mkdir ${MARKER} && ip link set lo up && "$@"`;

/** How long Ctrl-C lets the program inside finish by itself. */
const INTERRUPT_GRACE_MS = 3000;

/** Whether this process already runs inside a lab world. */
export function insideLab(): boolean {
  return existsSync(MARKER);
}

/**
 * Makes sure that the calling program runs inside a lab world: inside, it returns at once; outside, it runs the same
 * command line inside a new world, waits for it, and exits with its code.
 *
 * @throws LabError `namespacesForbidden` when this user may not create namespaces.
 */
export async function enterLab(): Promise<void> {
  if (insideLab()) return;
  const code = await runInLab([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  process.exit(code);
}

/**
 * Runs a command inside a new lab world with this process's terminal and environment.
 *
 * @returns its exit code (128 + signal number when a signal ended it).
 * @throws LabError `namespacesForbidden` when this user may not create namespaces.
 */
export function runInLab(command: readonly string[]): Promise<number> {
  const flags = namespaceFlags();
  // `--pdeathsig` ends the world when this process is killed, `--kill-child` passes that on to process 1.
  const args = ['--pdeathsig', 'KILL', 'unshare', ...flags, 'sh', '-c', FIRST_PROCESS, 'lab', ...command];
  const child = spawn('setpriv', args, { stdio: 'inherit' });
  const end = () => child.kill('SIGKILL');
  // A terminal's Ctrl-C reaches the program inside by itself; other signals stop at the namespace's border.
  const interrupted = () => void setTimeout(end, INTERRUPT_GRACE_MS).unref();
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', end);
  process.on('SIGHUP', end);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', end);
      process.off('SIGHUP', end);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** The smallest set of `unshare` flags that works here: plain as root, else with a user namespace. */
function namespaceFlags(): string[] {
  const candidates = [[...AS_OWN_ROOT, ...NAMESPACES]];
  if (process.getuid?.() === 0) candidates.unshift(NAMESPACES);
  let why = '';
  for (const flags of candidates) {
    const probe = spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'tmpfs', '/run'], {
      encoding: 'utf8',
    });
    if (probe.status === 0) return flags;
    why = probe.error?.message ?? probe.stderr.trim();
  }
  throw new LabError('namespacesForbidden', forbiddenMessage(why));
}

function forbiddenMessage(why: string): string {
  return [
    `The lab cannot create its network namespaces (${why}).`,
    'Run it as root, or allow user namespaces for everybody:',
    '  sudo sysctl -w kernel.unprivileged_userns_clone=1                      (Debian)',
    '  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0          (Ubuntu 23.10 and newer)',
    'In a container, start it with --privileged.',
  ].join('\n');
}
