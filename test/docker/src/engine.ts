/** The Docker engine that the tests use: the one that answers, or one of their own. */
import { LabProcess, must, run } from '@ringmaster/lab';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian packages by the command that tells whether they are there. */
const TOOLS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  'docker-compose': 'docker-compose',
  debootstrap: 'debootstrap',
  nft: 'nftables',
  nsenter: 'util-linux',
  ip: 'iproute2',
} as const;

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;

/** Nothing here can make or run containers; `tried` says what was done to find that out, a sentence a line. */
export class NoEngine extends Error {
  readonly tried: readonly string[];
  constructor(tried: readonly string[]) {
    super('no containers');
    this.tried = tried;
  }
}

export interface Engine {
  /** Whose it is, for people. */
  readonly whose: string;
  /** Stops it if the tests have started it. Images stay for the next run, in its directory. */
  stop(): Promise<void>;
}

const answers = async (): Promise<boolean> =>
  (await run('docker', ['info', '--format', '{{.ServerVersion}}']).catch(() => ({ code: 1 }))).code === 0;

async function missingTools(): Promise<string[]> {
  const missing = new Set<string>();
  for (const [command, debianPackage] of Object.entries(TOOLS)) {
    const found = await run('sh', ['-c', `command -v ${command}`]);
    const isCompose = command === 'docker-compose';
    if (found.code === 0 || (isCompose && (await run('docker', ['compose', 'version'])).code === 0)) continue;
    missing.add(debianPackage);
  }
  return [...missing];
}

async function installTools(say: (text: string) => void): Promise<void> {
  const missing = await missingTools();
  if (missing.length === 0) return;
  if (!existsSync('/usr/bin/apt-get')) {
    throw new NoEngine([`missing: ${missing.join(', ')}, and this is no Debian: install them`]);
  }
  say(`installing ${missing.join(', ')}`);
  await run('apt-get', ['update', '-q']);
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '-q'];
  const installed = await run(quiet[0], [...quiet.slice(1), '--no-install-recommends', ...missing]);
  const still = await missingTools();
  if (still.length === 0) return;
  throw new NoEngine([
    `apt-get could not install ${still.join(', ')}: ${installed.stderr.trim().slice(-400)}`,
  ]);
}

/**
 * What keeps an engine of our own from changing this machine: no packet filter, no forwarding, no bridge but the one of the
 * test's network, which nothing leaves anyway.
 */
const HARMLESS = [
  '--iptables=false',
  '--ip6tables=false',
  '--ip-forward=false',
  '--ip-masq=false',
  '--bridge=none',
];

/** Engines differ in what they want of a kernel: the file system that shares layers first, then one that copies them. */
const WAYS: readonly (readonly string[])[] = [HARMLESS, [...HARMLESS, '--storage-driver', 'vfs']];

async function startWith(
  flags: readonly string[],
  directory: string,
  data: string,
): Promise<LabProcess | string> {
  const socket = join(directory, 'docker.sock');
  // It ends with this process, even if that is killed; and not before, by a signal that is meant for all (Ctrl-C, `timeout`).
  const argv = ['setsid', 'setpriv', '--pdeathsig', 'TERM', 'dockerd', '--data-root', data];
  argv.push('--exec-root', join(directory, 'exec'));
  argv.push('-H', `unix://${socket}`, '-p', join(directory, 'pid'), ...flags);
  const engine = new LabProcess('dockerd', argv, { log: join(directory, 'dockerd.log') });
  process.env['DOCKER_HOST'] = `unix://${socket}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (engine.ended === undefined && Date.now() < deadline) {
    if (await answers()) return engine;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await engine.stop('SIGTERM', STOP_TIMEOUT_MS);
  return engine.tail.slice(-3).join(' | ');
}

/** Removes an engine's own directory; what it has mounted there and left (its network namespace) would keep it from that. */
async function takeAway(directory: string): Promise<void> {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounted.reverse()) await must('umount', [path]);
  rmSync(directory, { recursive: true, force: true });
}

/**
 * The engine that answers (`DOCKER_HOST`, or the usual socket), or one that is started now, with a socket of its own and
 * its data in `data`.
 *
 * @throws NoEngine
 */
export async function useEngine(data: string, say: (text: string) => void): Promise<Engine> {
  if (process.getuid?.() !== 0) {
    throw new NoEngine([
      'these tests enter the networks of containers and start an engine: they run as root only',
    ]);
  }
  await installTools(say);
  if (await answers()) {
    return { whose: 'the one that runs already', stop: () => Promise.resolve() };
  }
  const before = process.env['DOCKER_HOST'];
  const tried = [`no engine answers at ${before ?? 'the usual socket'}`];
  mkdirSync(data, { recursive: true });
  for (const flags of WAYS) {
    const directory = mkdtempSync(join(tmpdir(), 'ringmaster-docker-'));
    const engine = await startWith(flags, directory, data);
    const clean = () => takeAway(directory);
    if (engine instanceof LabProcess) {
      const stop = async () => {
        await engine.stop('SIGTERM', STOP_TIMEOUT_MS);
        await clean();
      };
      return { whose: `one of our own (dockerd ${flags.join(' ')})`.replace(' )', ')'), stop };
    }
    await clean();
    tried.push(`dockerd ${flags.join(' ')}: ${engine}`);
  }
  if (before === undefined) delete process.env['DOCKER_HOST'];
  else process.env['DOCKER_HOST'] = before;
  throw new NoEngine(tried);
}
