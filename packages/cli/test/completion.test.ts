import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../src/program.js';
import { commandsOf } from '../src/completion/words.js';
import { ringmaster } from './command.js';

/** Completion scripts, run by the shells that they are for. */

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'ringmaster-completion-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** A command of this name answers as a node with two members would. */
async function prepare(shell: string): Promise<{ script: string; env: NodeJS.ProcessEnv }> {
  const script = join(directory, shell);
  const { stdout, code } = await ringmaster(['completion', shell]);
  expect(code).toBe(0);
  writeFileSync(script, stdout);
  const answer = '{"members":[{"address":"10.0.0.11"},{"address":"10.0.0.12"}]}';
  writeFileSync(join(directory, 'ringmaster'), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
  return { script, env: { ...process.env, PATH: `${directory}:${process.env['PATH']}` } };
}

/** What bash would offer after these words; the last one is being typed. */
async function offeredByBash(...words: string[]): Promise<string[]> {
  const { script, env } = await prepare('bash');
  const array = words.map((word) => `'${word}'`).join(' ');
  const program = `source '${script}'; compopt() { :; }; COMP_WORDS=(ringmaster ${array}); COMP_CWORD=${words.length};
    _ringmaster; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', program], {
    env,
    encoding: 'utf8',
    cwd: directory,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

const NAMES = commandsOf(buildProgram('1', () => undefined)).map(({ name }) => name);

describe('bash', () => {
  it('offers every command', async () => {
    expect((await offeredByBash('')).filter((word) => !word.startsWith('-')).sort()).toEqual(
      [...NAMES, 'help'].sort(),
    );
    expect(await offeredByBash('doc')).toEqual(['doctor']);
  });

  it('offers options, choices, files and members', async () => {
    expect(await offeredByBash('doctor', '--f')).toEqual(['--fix']);
    expect(await offeredByBash('up', '--log-level', 'w')).toEqual(['warn']);
    expect(await offeredByBash('explain', 't')).toEqual(['tcp']);
    expect(await offeredByBash('drain', '10.')).toEqual(['10.0.0.11', '10.0.0.12']);
    writeFileSync(join(directory, 'some.yaml'), '');
    expect(await offeredByBash('up', '--config', 'some')).toEqual(['some.yaml']);
    expect(await offeredByBash('init', '--interface', 'l')).toEqual(['lo']);
    expect(await offeredByBash('nonsense', '--')).toEqual([]);
  });
});

describe.runIf(has('fish'))('fish', () => {
  const offered = async (line: string): Promise<string[]> => {
    const { script, env } = await prepare('fish');
    const program = `source '${script}'; complete --do-complete '${line}'`;
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', program], { env, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.split('\n').flatMap((each) => (each === '' ? [] : [each.split('\t')[0]]));
  };

  it('offers commands, options, choices and members', async () => {
    expect((await offered('ringmaster ')).sort()).toEqual([...NAMES].sort());
    expect(await offered('ringmaster doctor --f')).toContain('--fix');
    expect(await offered('ringmaster up --log-level w')).toEqual(['warn']);
    expect(await offered('ringmaster drain 10.')).toEqual(['10.0.0.11', '10.0.0.12']);
  });
});

describe.runIf(has('zsh'))('zsh', () => {
  /** Completes in a shell of its own, by a terminal that zsh makes itself (zpty). */
  const offered = async (line: string): Promise<string> => {
    const { script, env } = await prepare('zsh');
    const program = `
      zmodload zsh/zpty
      zpty z 'PATH=${directory}:$PATH zsh -f -i'
      zpty -w z "PS1= ; autoload -Uz compinit; compinit -u -D; source ${script}; zstyle ':completion:*' list-colors no; LISTMAX=1000; setopt no_beep; echo loa''ded"
      zpty -r -m z out '*loaded*'
      zpty -w -n z "${line}"$'\\t\\t'
      sleep 1.5
      while zpty -r -t z out; do print -rn -- "$out"; done
      zpty -d z`;
    const { stdout } = spawnSync('zsh', ['-f', '-c', program], { env, encoding: 'utf8', timeout: 20_000 });
    return stdout;
  };

  it('offers commands, options, choices and members', async () => {
    const commands = await offered('ringmaster ');
    for (const name of NAMES) expect(commands).toContain(name);
    expect(await offered('ringmaster doctor --fi')).toContain('--fix');
    expect(await offered('ringmaster up --log-level wa')).toContain('warn');
    expect(await offered('ringmaster drain 10.')).toContain('10.0.0.12');
  });
});
