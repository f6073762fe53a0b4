/** `ringmaster check`: is this file a configuration that `up` would take? */
import { examineConfig, formatPath, type ConfigProblem } from '@ringmaster/node';
import { readRunnableConfig } from '../configuration.js';
import { ExitCode } from '../failure.js';

/** @returns the exit code; throws a `Failure` with every problem when they are for people */
export function check(file: string, options: { readonly json?: boolean } = {}): number {
  if (options.json === true) return checkForPrograms(file);
  const { config, warnings } = readRunnableConfig(file);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const clusters = config.clusters.map(({ address, ports }) => {
    return `${address} (${ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', ')})`;
  });
  process.stdout.write(`${file} is right: ${config.interface} serves ${clusters.join(', ')}\n`);
  return ExitCode.ok;
}

/** `{ file, ok, problems: [{ code, path, line, message }], warnings }`; `line` is null where a problem has none. */
function checkForPrograms(file: string): number {
  const examined = examineConfig(file);
  const [problems, warnings] = examined.ok ? [[], examined.warnings] : [examined.problems, []];
  const document = { file, ok: examined.ok, problems: problems.map(describe), warnings };
  process.stdout.write(`${JSON.stringify(document)}\n`);
  return examined.ok ? ExitCode.ok : ExitCode.configuration;
}

const describe = ({ code, path, line, message }: ConfigProblem) => ({
  code,
  path: formatPath(path),
  line: line ?? null,
  message,
});
