/** `ringmaster completion`: a script that makes a shell complete this command line. */
import type { Command } from 'commander';
import { bashScript } from '../completion/bash.js';
import { fishScript } from '../completion/fish.js';
import { commandsOf, programOptions } from '../completion/words.js';
import { zshScript } from '../completion/zsh.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function completion(program: Command, shell: keyof typeof SCRIPTS): void {
  process.stdout.write(SCRIPTS[shell](commandsOf(program), programOptions(program)));
}
