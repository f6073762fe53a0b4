import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTokenFile } from '../../src/control/tokenFile.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-token-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function written(text: string, mode: number): string {
  const file = join(directory, 'token');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

it.each([0o600, 0o400, 0o640])('takes a token that others cannot read (%o)', (mode) => {
  expect(readTokenFile(written(' abc\n', mode))).toEqual({ ok: true, token: 'abc' });
});

it.each([0o604, 0o644, 0o602, 0o666])(
  'refuses one that everybody may open (%o), and says the cure',
  (mode) => {
    const file = written('abc\n', mode);
    expect(readTokenFile(file)).toEqual({
      ok: false,
      message: expect.stringContaining(`chmod 600 ${file}`) as string,
    });
  },
);

it('refuses nothing, and nowhere', () => {
  expect(readTokenFile(written('\n', 0o600))).toMatchObject({
    ok: false,
    message: expect.stringContaining('empty') as string,
  });
  expect(readTokenFile(join(directory, 'none'))).toMatchObject({
    ok: false,
    message: expect.stringContaining('cannot be read') as string,
  });
});
