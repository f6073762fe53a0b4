/** The control files of the Debian package. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = join(dirname(fileURLToPath(import.meta.url)), '../../packaging/debian');

function filesIn(folder, prefix = '') {
  return readdirSync(join(folder, prefix)).flatMap((name) => {
    const path = join(prefix, name);
    const stats = lstatSync(join(folder, path));
    return stats.isDirectory() ? filesIn(folder, path) : [{ path, stats }];
  });
}

function control({ version, architecture }, sizeBytes) {
  return `Package: ringmaster
Version: ${version}
Architecture: ${architecture}
Maintainer: The Ringmaster authors <ringmaster@localhost>
Installed-Size: ${Math.ceil(sizeBytes / 1024)}
Depends: nodejs (>= 20.19), adduser, libc6, libstdc++6
Recommends: iproute2, nftables
Section: net
Priority: optional
Description: server cluster that balances its own load
 Servers that run the same service answer on one address. Each of them can
 spread the clients' connections over all of them, one does, and when that one
 dies another goes on in its place, without losing the connections of the
 others. There is no dedicated load balancer and no standby.
`;
}

/** The files of DEBIAN/, with their modes. */
export function controlFiles(stage, about) {
  const files = filesIn(stage).filter(({ stats }) => stats.isFile());
  const size = files.reduce((sum, { stats }) => sum + stats.size, 0);
  const sums = files.map(({ path }) => {
    return `${createHash('md5')
      .update(readFileSync(join(stage, path)))
      .digest('hex')}  ${path}\n`;
  });
  const script = (name) => ({ content: readFileSync(join(scripts, name), 'utf8'), mode: 0o755 });
  return {
    control: { content: control(about, size), mode: 0o644 },
    md5sums: { content: sums.join(''), mode: 0o644 },
    postinst: script('postinst'),
    prerm: script('prerm'),
    postrm: script('postrm'),
  };
}

/** The machine-readable copyright file (Debian policy, 12.5). */
export function copyright(license) {
  const body = license
    .trim()
    .split('\n')
    .map((line) => ` ${line === '' ? '.' : line}`)
    .join('\n');
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ringmaster

Files: *
Copyright: the Ringmaster authors
License: MIT
${body}
`;
}
