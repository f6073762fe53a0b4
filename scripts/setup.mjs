/**
 * Makes a fresh clone ready: installs the npm packages when the lock file says so, builds what changed, and
 * names (or, as root on Debian, installs) the system tools that are missing. Run by every `npm run` entry.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.ringmaster-setup');
const MINIMUM_NODE = [20, 19];

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function run(command, args, why, environment = {}) {
  say(why);
  const env = { ...process.env, ...environment };
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error || status !== 0) {
    say(
      `'${command} ${args.join(' ')}' failed${error ? `: ${error.message}` : ''}. Mend that and run again.`,
    );
    process.exit(1);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    say(`Node ${process.versions.node} is too old: Ringmaster wants ${MINIMUM_NODE.join('.')} or newer.`);
    process.exit(1);
  }
}

/** Debian packages by the command that tells whether they are there. */
const TOOLS = { ip: 'iproute2', unshare: 'util-linux' };
/** With `--tests`: the dashboard is tried in a real browser. `CHROMIUM` names one of your own. */
const TEST_TOOLS = { [process.env.CHROMIUM ?? 'chromium']: 'chromium' };
/** What `raw-socket` is built with. Everything but its part of L4/3 works without. */
const BUILD_TOOLS = { 'g++': 'g++', make: 'make', python3: 'python3' };

function missingOf(tools) {
  return Object.entries(tools)
    .filter(([command]) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0)
    .map(([, debianPackage]) => debianPackage);
}

const mayInstall = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

function aptInstall(packages) {
  run('apt-get', ['update', '-q'], 'reading the package lists');
  run(
    'apt-get',
    ['install', '-y', '-q', '--no-install-recommends', ...packages],
    `installing ${packages.join(', ')}`,
  );
}

function checkTools() {
  const missing = missingOf(process.argv.includes('--tests') ? { ...TOOLS, ...TEST_TOOLS } : TOOLS);
  if (missing.length === 0) return;
  if (!mayInstall()) {
    say(`missing: ${missing.join(', ')}. Install with: sudo apt-get install ${missing.join(' ')}`);
    process.exit(1);
  }
  aptInstall(missing);
}

function checkBuildTools() {
  const missing = missingOf(BUILD_TOOLS);
  if (missing.length > 0 && mayInstall()) aptInstall(missing);
}

/** The headers that came with this Node, so that a build need not fetch them. */
function headers() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}

function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  checkBuildTools();
  run(
    'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
    'installing npm packages (once, about 15 s)',
    headers(),
  );
  if (!existsSync(join(root, 'node_modules', 'raw-socket', 'build', 'Release', 'raw.node'))) {
    const tools = Object.values(BUILD_TOOLS).join(' ');
    say(`raw-socket could not be built (it wants ${tools}); its work in L4/3 is done by libnetraw instead`);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

checkNode();
checkTools();
installPackages();
run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], 'building');
