import { loadConfig } from '@ringmaster/node';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

/** What is shipped beside the code: package, unit, manifests. */

const root = fileURLToPath(new URL('../../..', import.meta.url));
let scratch: string;
beforeAll(() => void (scratch = mkdtempSync(join(tmpdir(), 'ringmaster-packaging-'))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

describe.runIf(has('dpkg-deb'))('the Debian package', () => {
  let files: string[];
  const inside = (...path: string[]): string => join(scratch, 'root', ...path);
  const run = (...args: string[]) =>
    spawnSync(inside('usr/bin/ringmaster'), args, { encoding: 'utf8', cwd: scratch });

  beforeAll(() => {
    const env = { ...process.env, OUT: join(scratch, 'out') };
    const said = execFileSync(process.execPath, ['scripts/package.mjs'], {
      cwd: root,
      encoding: 'utf8',
      env,
    });
    files = said.trim().split('\n');
    execFileSync('dpkg-deb', ['--raw-extract', files[0], join(scratch, 'root')]);
  }, 120_000);

  it('has what a Debian package has to have', () => {
    const info = execFileSync('dpkg-deb', ['--info', files[0]], { encoding: 'utf8' });
    expect(info).toContain('Depends: nodejs (>= 20.19), adduser');
    for (const script of ['postinst', 'prerm', 'postrm']) {
      expect(spawnSync('sh', ['-n', inside('DEBIAN', script)]).status).toBe(0);
    }
    const { status } = spawnSync('md5sum', ['--check', '--quiet', 'DEBIAN/md5sums'], { cwd: inside() });
    expect(status).toBe(0);
    const paths = execFileSync('dpkg-deb', ['--contents', files[0]], { encoding: 'utf8' });
    for (const path of [
      './usr/bin/ringmaster ->',
      './lib/systemd/system/ringmaster.service',
      './usr/share/bash-completion/completions/ringmaster',
      './usr/share/zsh/vendor-completions/_ringmaster',
      './usr/share/fish/vendor_completions.d/ringmaster.fish',
      './usr/share/man/man8/ringmaster.8.gz',
      './usr/share/doc/ringmaster/operations.md',
    ]) {
      expect(paths).toContain(path);
    }
    expect(paths).not.toMatch(/typescript|vitest|\.map$|\.tsbuildinfo/m);
  });

  it('runs from where it is unpacked, out of its own node_modules', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8')) as {
      version: string;
    };
    expect(run('--version').stdout).toBe(`${version}\n`);
    const where = join(scratch, 'etc');
    expect(run('init', '--directory', where, '--interface', 'eth0', '--address', '10.0.0.100').status).toBe(
      0,
    );
    expect(run('check', join(where, 'ringmaster.yaml')).stdout).toContain('is right: eth0 serves 10.0.0.100');
    // `doctor` loads the native parts.
    const { findings } = JSON.parse(
      run('doctor', '--json', '--listen', '1ms', '--config', join(where, 'ringmaster.yaml')).stdout,
    ) as {
      findings: { check: string }[];
    };
    expect(findings.map(({ check }) => check)).toContain('kernel');
  });

  it('is a tarball as well', () => {
    const unpacked = join(scratch, 'tar');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', files[1], '-C', unpacked]);
    const [folder] = readdirSync(unpacked);
    const { stdout } = spawnSync(join(unpacked, folder, 'bin/ringmaster'), ['--help'], { encoding: 'utf8' });
    expect(stdout).toContain('Usage: ringmaster');
  });
});

describe('the unit', () => {
  const text = readFileSync(join(root, 'packaging/systemd/ringmaster.service'), 'utf8');
  const all = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value);

  it('gives three capabilities to a user without rights, and lets nothing else be written', () => {
    const capabilities = ['CAP_NET_RAW CAP_NET_ADMIN CAP_SYS_NICE'];
    expect([all('AmbientCapabilities'), all('CapabilityBoundingSet')]).toEqual([capabilities, capabilities]);
    expect([all('User'), all('NoNewPrivileges'), all('ProtectSystem')]).toEqual([
      ['ringmaster'],
      ['yes'],
      ['strict'],
    ]);
    expect(all('RestrictAddressFamilies')).toEqual(['AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET']);
    expect([all('Type'), all('WatchdogSec'), all('RestartPreventExitStatus')]).toEqual([
      ['notify'],
      ['10s'],
      ['2'],
    ]);
  });

  it.runIf(has('systemd-analyze'))('is understood by systemd', () => {
    const unit = join(scratch, 'ringmaster.service');
    // What it starts is not installed here.
    writeFileSync(
      unit,
      text.replaceAll('/usr/bin/ringmaster', '/bin/true').replace(/^Documentation=.*\n/m, ''),
    );
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], {
      encoding: 'utf8',
    });
    expect([status, stderr.split('\n').filter((line) => line.includes('ringmaster.service'))]).toEqual([
      0,
      [],
    ]);
  });
});

it('the example configuration is one that is taken', () => {
  const loaded = loadConfig(join(root, 'packaging/ringmaster.yaml'));
  expect(loaded.ok ? [] : loaded.problems).toEqual([]);
});

describe('the Kubernetes manifest', () => {
  const documents = parseAllDocuments(
    readFileSync(join(root, 'packaging/kubernetes/ringmaster.yaml'), 'utf8'),
  );
  const [map, set] = documents.map((document) => document.toJS() as Record<string, never>);
  type Any = Record<string, unknown>;
  const pod = (set['spec'] as Any as { template: { spec: Any } }).template.spec;
  const [container] = pod['containers'] as Any[];

  it('is YAML without errors: a ConfigMap and a DaemonSet', () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect([map['kind'], set['kind']]).toEqual(['ConfigMap', 'DaemonSet']);
    const spec = set['spec'] as { selector: { matchLabels: Any }; template: { metadata: { labels: Any } } };
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
  });

  it('has a configuration that is taken', () => {
    const file = join(scratch, 'kubernetes.yaml');
    writeFileSync(file, (map['data'] as Any)['ringmaster.yaml'] as string);
    const loaded = loadConfig(file);
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
  });

  it('runs in the network of the node, with capabilities only, one update at a time', () => {
    expect(pod).toMatchObject({ hostNetwork: true, nodeSelector: { ringmaster: 'yes' } });
    expect(container['securityContext']).toMatchObject({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW', 'NET_ADMIN', 'SYS_NICE'] },
    });
    expect((set['spec'] as Any)['updateStrategy']).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 1 },
    });
  });

  it('mounts what it names, and asks the socket that the configuration names', () => {
    const volumes = (pod['volumes'] as { name: string }[]).map(({ name }) => name);
    const mounts = (container['volumeMounts'] as { name: string }[]).map(({ name }) => name);
    expect(mounts.sort()).toEqual(volumes.sort());
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      const { exec } = container[probe] as { exec: { command: string[] } };
      expect(exec.command).toEqual(['ringmaster', 'status', '--socket', '/run/ringmaster/node.sock']);
    }
    expect((map['data'] as Any)['ringmaster.yaml']).toContain('socket: /run/ringmaster/node.sock');
  });
});
