/** Entry of the `ringmaster` command. */
import { readFileSync } from 'node:fs';
import { ExitCode, Failure } from './failure.js';
import { buildProgram } from './program.js';

/** `ringmaster connections | head` closes our output: that is no error. */
process.stdout.on('error', () => process.exit(ExitCode.ok));

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

try {
  await buildProgram(version, (code) => (process.exitCode = code)).parseAsync();
} catch (error) {
  const isExpected = error instanceof Failure;
  const text = isExpected
    ? error.message
    : `this is a bug, please report it: ${(error as Error).stack ?? error}`;
  process.stderr.write(`${text.replaceAll(/^/gm, isExpected ? 'ringmaster: ' : '')}\n`);
  process.exit(isExpected ? error.exitCode : ExitCode.failed);
}
