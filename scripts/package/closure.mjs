/** Copies a package and all that it needs to run, as npm has laid them out here, into a node_modules of their own. */
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Where Node would find `name` from within `folder`; undefined when it is not installed. */
function find(name, folder, root) {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (at === root || at === dirname(at)) return undefined;
  }
}

/** What nobody needs at run time. */
const NOT_RUN = /\.(map|d\.ts|d\.cts|d\.mts|tsbuildinfo|gyp)$|(^|\/)\.[^/]+$/;
/** Sources and build leftovers of packages with native parts. */
const NATIVE_SOURCES = {
  koffi: /^(vendor|doc|cnoke\.cjs)(\/|$)|\.(cc|hh|cpp|S|asm|inc)$/,
  'raw-socket': /^(src|example)(\/|$)|^build\/(?!Release$|Release\/raw\.node$)/,
};
/** Builds for other C libraries than that of Debian. */
const FOREIGN_BUILDS = /^musl_/;
/** Of a package of the repository. */
const OWN_PARTS = /^(dist|bin|package\.json|README\.md)(\/|$)/;

function isWanted(name, isOwn, path) {
  if (path === '') return true;
  if (path === 'node_modules' || path.startsWith('node_modules/') || NOT_RUN.test(path)) return false;
  if (FOREIGN_BUILDS.test(path)) return false;
  return isOwn ? OWN_PARTS.test(path) : NATIVE_SOURCES[name]?.test(path) !== true;
}

function copyPackage(from, to) {
  const { name } = manifest(from);
  const isOwn = !from.includes(`${sep}node_modules${sep}`);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (source) => isWanted(name, isOwn, relative(from, source).split(sep).join('/')),
  });
}

/**
 * @param root the repository
 * @param start a package of the repository, relative to it
 * @param target gets a `node_modules` with everything
 */
export function copyProduction(root, start, target) {
  const places = new Map();
  const visit = (found) => {
    const folder = realpathSync(found);
    const isOwn = !folder.includes(`${sep}node_modules${sep}`);
    const { name, dependencies = {}, optionalDependencies = {} } = manifest(folder);
    const place = isOwn ? join('node_modules', name) : relative(root, folder);
    if (places.has(place)) return;
    places.set(place, folder);
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const next = find(dependency, folder, root);
      if (next !== undefined) visit(next);
      else if (dependency in dependencies)
        throw new Error(`${name} needs ${dependency}, which is not installed`);
    }
  };
  visit(join(root, start));
  for (const [place, folder] of places) copyPackage(folder, join(target, place));
}
