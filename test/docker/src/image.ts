/** The image under test, named by a hash of what goes into it: built once, and again after a change. */
import { must, run } from '@ringmaster/lab';
import { createHash } from 'node:crypto';
import { NoEngine } from './engine.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const NAME = 'ringmaster';
const BASE = 'ringmaster-base';
const IGNORED = new Set(['node_modules', 'dist', 'test', 'bench', '.git']);

/** Files of the build context, as `.dockerignore` leaves it. */
function* sources(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (IGNORED.has(entry.name) || entry.name.endsWith('.tsbuildinfo')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.isFile()) yield path;
  }
}

function contentHash(root: string): string {
  const files = ['package.json', 'package-lock.json', 'tsconfig.base.json', '.dockerignore'].map((name) =>
    join(root, name),
  );
  for (const name of ['packages', 'docker']) files.push(...sources(join(root, name)));
  const hash = createHash('sha256').update(process.version);
  for (const file of files.sort()) hash.update(relative(root, file)).update('\0').update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

const exists = async (image: string): Promise<boolean> =>
  (await run('docker', ['image', 'inspect', image])).code === 0;

/**
 * @returns name of the image
 * @throws NoEngine when no base image can be made, LabError `commandFailed` with what the build said
 */
export async function buildImage(root: string, say: (text: string) => void): Promise<string> {
  const image = `${NAME}:test-${contentHash(root)}`;
  if (await exists(image)) return image;
  const base = process.env['BASE_IMAGE'] ?? `${BASE}:run`;
  const build = process.env['BUILD_IMAGE'] ?? process.env['BASE_IMAGE'] ?? `${BASE}:build`;
  if (process.env['BASE_IMAGE'] === undefined && !((await exists(base)) && (await exists(build)))) {
    say('making a base image by debootstrap (about a minute)');
    const made = await run(join(root, 'docker', 'make-base.sh'), []);
    if (made.code !== 0) {
      const said = made.stderr.trim().split('\n').slice(-5).join(' | ');
      throw new NoEngine([`no base image: docker/make-base.sh failed: ${said}`]);
    }
  }
  say('building the image (about a minute)');
  const old = await must('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}', NAME]);
  const flags = [
    '--network',
    'host',
    '-f',
    join(root, 'docker', 'Dockerfile'),
    '--target',
    'demo',
    '-t',
    image,
  ];
  flags.push('--build-arg', `BASE_IMAGE=${base}`, '--build-arg', `BUILD_IMAGE=${build}`);
  await must('docker', ['build', ...flags, root]);
  const stale = old.split('\n').filter((name) => name.startsWith(`${NAME}:test-`));
  if (stale.length > 0) await run('docker', ['rmi', ...stale]);
  return image;
}

export async function imageMegabytes(image: string): Promise<number> {
  return Math.round(Number(await must('docker', ['image', 'inspect', '--format', '{{.Size}}', image])) / 1e6);
}
