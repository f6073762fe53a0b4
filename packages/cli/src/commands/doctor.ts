/** `ringmaster doctor`: what on this host would break the cluster, and the cure. */
import { presentConfig } from '../configuration.js';
import { CHECKS, isCheckName, type CheckName } from '../doctor/catalogue.js';
import { examine } from '../doctor/examine.js';
import { fix, type Fix } from '../doctor/fix.js';
import { ExitCode, Failure } from '../failure.js';
import { findingsText, fixesText } from '../output/findingsText.js';

export interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly dryRun?: boolean;
  readonly only?: readonly string[];
  readonly listen: number;
}

function checksOf(names: readonly string[] | undefined): CheckName[] | undefined {
  const unknown = names?.find((name) => !isCheckName(name));
  if (unknown === undefined) return names as CheckName[] | undefined;
  throw new Failure(`there is no check ${unknown}; there are ${CHECKS.join(', ')}`);
}

/** Resolves with the exit code: not 0 when a node would not work. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const only = checksOf(options.only);
  if (options.fix !== true && (options.dryRun === true || only !== undefined)) {
    throw new Failure('--dry-run and --only belong to --fix');
  }
  const file = options.config ?? presentConfig();
  let findings = await examine(file, options.listen);
  let fixes: Fix[] | undefined;
  if (options.fix === true) {
    fixes = fix(findings, { dryRun: options.dryRun === true, ...(only && { only }) });
    // What was cured may have hidden something else.
    if (fixes.some(({ outcome }) => outcome === 'done')) findings = await examine(file, options.listen);
  }
  const ok = !findings.some(({ level }) => level === 'error');
  const text =
    options.json === true
      ? JSON.stringify({ ok, findings, ...(fixes && { fixes }) })
      : [...(fixes ? [fixesText(fixes)] : []), findingsText(findings)].join('\n\n');
  process.stdout.write(`${text}\n`);
  return ok ? ExitCode.ok : ExitCode.failed;
}
