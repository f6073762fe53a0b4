import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  configTemplate,
  formatKeyFile,
  generateKey,
  loadConfig,
  loadKeys,
  parseConfig,
  unsupportedProblems,
} from '../../src/config/index.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const messages = (result: ReturnType<typeof loadKeys> | ReturnType<typeof loadConfig>): string[] =>
  result.ok ? [] : result.problems.map(({ message }) => message);

describe('loading a configuration', () => {
  it('reads the template that init writes, and this version can run it', () => {
    const path = write('ringmaster.yaml', configTemplate({ interface: 'eth0', address: '10.0.0.100' }));
    const result = loadConfig(path);
    expect(messages(result)).toEqual([]);
    if (!result.ok) return;
    expect(unsupportedProblems(result.value)).toEqual([]);
    expect(result.value.ring.keyFiles).toEqual([join(directory, 'cluster.key')]);
  });

  it('has the template write out the defaults, not other values', () => {
    const minimal =
      'interface: eth0\nring: { keyFile: cluster.key }\nclusters: [{ address: 10.0.0.100, ports: [{ port: 80 }] }]\n';
    const template = configTemplate({ interface: 'eth0', address: '10.0.0.100' });
    expect(parseConfig(template, '/f')).toEqual(parseConfig(minimal, '/f'));
  });

  it('says what to do about a file that is not there, or is none', () => {
    const absent = join(directory, 'absent.yaml');
    expect(messages(loadConfig(absent))).toEqual([
      `${absent} does not exist; write one with \`ringmaster init\`, or name another with --config`,
    ]);
    expect(messages(loadConfig(directory))).toEqual([`${directory} is a directory; name the file in it`]);
    const huge = write('huge.yaml', 'x'.repeat(1_048_577));
    expect(messages(loadConfig(huge))).toEqual([
      `${huge} is 1048577 bytes long; a configuration has at most 1048576`,
    ]);
  });
});

describe('loading keys', () => {
  it('reads back what it writes, and hex as well', () => {
    const [one, two] = [generateKey(), generateKey()];
    const files = [write('one.key', formatKeyFile(one)), write('two.key', Buffer.from(two).toString('hex'))];
    expect(loadKeys(files)).toEqual({ ok: true, value: { keys: [one, two], warnings: [] } });
    expect(one).toHaveLength(32);
    expect(one).not.toEqual(two);
  });

  it('warns of a key that others may read', () => {
    const file = write('open.key', formatKeyFile(generateKey()), 0o644);
    const result = loadKeys([file]);
    expect(result.ok && result.value.warnings).toEqual([
      `${file} may be used by everybody (mode 644); run: chmod 600 ${file}`,
    ]);
  });

  it('tells a missing, a short, a trivial and a strange key apart', () => {
    const absent = join(directory, 'absent.key');
    const short = write('short.key', 'AAECAwQFBgc=\n');
    const trivial = write('trivial.key', `${'00'.repeat(32)}\n`);
    const strange = write('strange.key', 'correct horse battery staple\n');
    const empty = write('empty.key', '# nothing\n');
    const cure = '; `ringmaster init` makes one';
    const wanted = 'is not a key file: expected 32 random bytes as base64 or hex on one line, found';
    expect(messages(loadKeys([absent, short, trivial, strange, empty]))).toEqual([
      `${absent} does not exist; copy it from another node of the cluster, or make the first with \`ringmaster init\``,
      `${short} ${wanted} 8 bytes${cure}`,
      `${trivial} ${wanted} the same few bytes repeated${cure}`,
      `${strange} ${wanted} other characters${cure}`,
      `${empty} ${wanted} 0 lines${cure}`,
    ]);
  });
});
