/**
 * Runs any command inside a lab world: `node packages/lab/dist/enter.js npx vitest run --project netns`.
 * Exits with the command's code.
 */
import { LabError } from './errors.js';
import { insideLab, runInLab } from './world/enter.js';
import { spawnSync } from 'node:child_process';

const command = process.argv.slice(2);
if (command.length === 0) {
  process.stderr.write('usage: node enter.js COMMAND [ARGUMENT...]\n');
  process.exit(2);
}
try {
  if (insideLab()) {
    process.exit(spawnSync(command[0], command.slice(1), { stdio: 'inherit' }).status ?? 1);
  }
  process.exit(await runInLab(command));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
