/**
 * `npm run package`: makes out/ringmaster_VERSION_ARCH.deb and a tarball of the same, from what is built and installed here.
 * Needs dpkg-deb and tar; downloads nothing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { copyProduction } from './package/closure.mjs';
import { manPage } from './package/manPage.mjs';
import { copyright, controlFiles } from './package/debian.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = process.env['OUT'] ?? join(root, 'out');
const { version } = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8'));
const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8' }).trim();
const architecture = run('dpkg-deb', '--version') && run('dpkg', '--print-architecture');
const stage = join(out, 'stage');

/** Modules with native code: not to be called as programs, and without what only a debugger needs. */
function tidyNative(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) tidyNative(path);
    else if (entry.name.endsWith('.node')) {
      chmodSync(path, 0o644);
      spawnSync('strip', ['--strip-unneeded', path]); // where binutils is not installed, it is larger
    }
  }
}

/** Writes a file into the package, making its directory. */
function put(path, content, mode = 0o644) {
  const file = join(stage, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

const asset = (path) => readFileSync(join(root, 'packaging', path), 'utf8');
const cli = (...args) => run(process.execPath, 'packages/cli/bin/ringmaster.js', ...args);

function stageFiles() {
  rmSync(stage, { recursive: true, force: true });
  copyProduction(root, 'packages/cli', join(stage, 'usr/lib/ringmaster'));
  tidyNative(join(stage, 'usr/lib/ringmaster'));
  mkdirSync(join(stage, 'usr/bin'), { recursive: true });
  symlinkSync(
    '../lib/ringmaster/node_modules/@ringmaster/cli/bin/ringmaster.js',
    join(stage, 'usr/bin/ringmaster'),
  );
  put('lib/systemd/system/ringmaster.service', asset('systemd/ringmaster.service'));
  put('usr/share/bash-completion/completions/ringmaster', `${cli('completion', 'bash')}\n`);
  put('usr/share/zsh/vendor-completions/_ringmaster', `${cli('completion', 'zsh')}\n`);
  put('usr/share/fish/vendor_completions.d/ringmaster.fish', `${cli('completion', 'fish')}\n`);
  put('usr/share/man/man8/ringmaster.8.gz', gzipSync(manPage(version), { level: 9 }));
  for (const name of ['operations.md', 'configuration.md', 'ringmaster.schema.json']) {
    put(`usr/share/doc/ringmaster/${name}`, readFileSync(join(root, 'docs', name)));
  }
  put('usr/share/doc/ringmaster/examples/ringmaster.yaml', asset('ringmaster.yaml'));
  put('usr/share/doc/ringmaster/examples/kubernetes.yaml', asset('kubernetes/ringmaster.yaml'));
  put('usr/share/doc/ringmaster/copyright', copyright(readFileSync(join(root, 'LICENSE'), 'utf8')));
  put('usr/share/doc/ringmaster/changelog.gz', gzipSync(changelog(), { level: 9 }));
  put('usr/share/lintian/overrides/ringmaster', asset('debian/lintian-overrides'));
  mkdirSync(join(stage, 'etc/ringmaster'), { recursive: true });
}

function changelog() {
  const date = new Date(
    Number(process.env['SOURCE_DATE_EPOCH'] ?? run('git', 'log', '-1', '--format=%ct')) * 1000,
  );
  const when = date.toUTCString().replace('GMT', '+0000');
  return `ringmaster (${version}) unstable; urgency=medium\n\n  * See the repository's history.\n\n -- The Ringmaster authors <ringmaster@localhost>  ${when}\n`;
}

function build() {
  const name = `ringmaster_${version}_${architecture}`;
  for (const [file, { content, mode }] of Object.entries(controlFiles(stage, { version, architecture }))) {
    put(join('DEBIAN', file), content, mode);
  }
  const deb = join(out, `${name}.deb`);
  run('dpkg-deb', '--root-owner-group', '-Zxz', '--build', stage, deb);
  rmSync(join(stage, 'DEBIAN'), { recursive: true });
  const folder = `ringmaster-${version}`;
  const tarball = join(out, `${folder}-linux-${process.arch}.tar.gz`);
  const rename = `s,^\\./\\(usr/\\)\\?,${folder}/,S`;
  run(
    'tar',
    '-C',
    stage,
    '--sort=name',
    '--owner=0',
    '--group=0',
    `--transform=${rename}`,
    '-czf',
    tarball,
    '.',
  );
  rmSync(stage, { recursive: true });
  return [deb, tarball];
}

if (!existsSync(join(root, 'packages/cli/dist/main.js'))) throw new Error('build first: npm run setup');
stageFiles();
for (const file of build()) process.stdout.write(`${file}\n`);
