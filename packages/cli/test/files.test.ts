import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ringmaster } from './command.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-cli-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => join(directory, name);

describe('init', () => {
  it('writes a configuration that check accepts, and a key that only its owner may read', async () => {
    const made = await ringmaster(['init', '--interface', 'eth7', '--address', '10.1.2.3'], directory);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout.split('\n').slice(0, 3)).toEqual([
      'wrote ringmaster.yaml',
      'wrote ringmaster.schema.json, by which editors know the keys',
      'wrote cluster.key, which is secret: only its owner may read it',
    ]);
    expect((statSync(at('cluster.key')).mode & 0o777).toString(8)).toBe('600');
    expect(await ringmaster(['check'], directory)).toEqual({
      code: 0,
      stdout: 'ringmaster.yaml is right: eth7 serves 10.1.2.3 (80/tcp)\n',
      stderr: '',
    });
  });

  it('overwrites nothing: a configuration is refused, a key is kept', async () => {
    writeFileSync(at('cluster.key'), 'the key of the others');
    expect((await ringmaster(['init'], directory)).code).toBe(0);
    expect(readFileSync(at('cluster.key'), 'utf8')).toBe('the key of the others');
    const before = readFileSync(at('ringmaster.yaml'), 'utf8');
    expect(await ringmaster(['init'], directory)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'ringmaster: ringmaster.yaml is there already and is left as it is; remove it, or use --directory\n',
    });
    expect(readFileSync(at('ringmaster.yaml'), 'utf8')).toBe(before);
  });

  it('writes the schema that the first line of the configuration names, as `schema` prints it', async () => {
    await ringmaster(['init'], directory);
    const [, name] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(at('ringmaster.yaml'), 'utf8')) ?? [];
    expect(await ringmaster(['schema'])).toMatchObject({ code: 0, stdout: readFileSync(at(name), 'utf8') });
  });

  it('makes the directory, and no file when the address is none', async () => {
    expect((await ringmaster(['init', '--directory', at('etc/ring')])).code).toBe(0);
    expect(existsSync(at('etc/ring/ringmaster.yaml'))).toBe(true);
    expect(await ringmaster(['init', '--address', '10.0.0.256'], directory)).toMatchObject({
      code: 1,
      stderr: 'ringmaster: --address: expected an IPv4 address like 10.0.0.100, found "10.0.0.256"\n',
    });
    expect(existsSync(at('ringmaster.yaml'))).toBe(false);
  });
});

describe('a configuration that is not right', () => {
  const BAD =
    'interface: eth0\nring: { insecure: true, prot: 1 }\nclusters: [{ address: 10.0.0.1, ports: [{ port: 0 }] }]\n';
  const COMPLAINTS =
    'ringmaster: bad.yaml:2: ring.prot: unknown key; did you mean port?\n' +
    'ringmaster: bad.yaml:3: clusters[0].ports[0].port: expected a port number (a whole number from 1 to 65535), found 0\n';

  it.each([
    ['check', 'bad.yaml'],
    ['up', '--config', 'bad.yaml'],
    ['status', '--config', 'bad.yaml'],
  ])('ends %s %s with all complaints and exit code 2', async (...args) => {
    writeFileSync(at('bad.yaml'), BAD);
    expect(await ringmaster(args, directory)).toEqual({ code: 2, stdout: '', stderr: COMPLAINTS });
  });

  it('is told to programs by check --json', async () => {
    writeFileSync(at('bad.yaml'), BAD);
    const { code, stdout } = await ringmaster(['check', 'bad.yaml', '--json'], directory);
    expect(code).toBe(2);
    const { ok, problems } = JSON.parse(stdout) as {
      ok: boolean;
      problems: { code: string; line: number }[];
    };
    expect({ ok, problems: problems.map(({ code: what, line }) => [what, line]) }).toEqual({
      ok: false,
      problems: [
        ['unknown-key', 2],
        ['invalid', 3],
      ],
    });
  });

  it('is one that this version cannot run, or that has no key', async () => {
    await ringmaster(['init', '--interface', 'eth7', '--address', '10.1.2.3'], directory);
    const text = readFileSync(at('ringmaster.yaml'), 'utf8');
    writeFileSync(at('ringmaster.yaml'), text.replace('mode: l4/2', 'mode: l7'));
    rmSync(at('cluster.key'));
    expect(await ringmaster(['up'], directory)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'ringmaster: ringmaster.yaml: clusters[0].mode: mode l7 is not in this version; use l4/2 or l4/3\n' +
        `ringmaster: ringmaster.yaml: ring.keyFile: ${at('cluster.key')} does not exist; copy it from another node of the cluster, or make the first with \`ringmaster init\`\n`,
    });
  });

  it('is one that is not there', async () => {
    expect(await ringmaster(['up'], directory)).toEqual({
      code: 2,
      stdout: '',
      stderr: `ringmaster: ${at('ringmaster.yaml')} does not exist; write one with \`ringmaster init\`, or name another with --config\n`,
    });
  });

  it('is no reason to be silent about a key that others may read', async () => {
    await ringmaster(['init', '--interface', 'eth7', '--address', '10.1.2.3'], directory);
    chmodSync(at('cluster.key'), 0o640);
    expect(await ringmaster(['check'], directory)).toMatchObject({
      code: 0,
      stderr: `warning: ${at('cluster.key')} may be used by its group (mode 640); run: chmod 600 ${at('cluster.key')}\n`,
    });
  });
});

it('up with an interface that does not exist names those that do, and leaves nothing behind', async () => {
  await ringmaster(['init', '--interface', 'nosuch0', '--address', '10.1.2.3'], directory);
  const config = readFileSync(at('ringmaster.yaml'), 'utf8');
  writeFileSync(at('ringmaster.yaml'), config.replace('/run/ringmaster.sock', 'node.sock'));
  const { code, stdout, stderr } = await ringmaster(['up'], directory);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^ringmaster: there is no interface nosuch0; this host has .+\n$/);
  expect(existsSync(at('node.sock'))).toBe(false);
  expect(existsSync(at('node.sock.undo.json'))).toBe(false);
});
