/** `ringmaster doctor`: what on this host would break the cluster, and the cure. */
import { existsSync } from 'node:fs';
import { DEFAULT_CONFIG } from '../configuration.js';
import { examine } from '../doctor/examine.js';
import { ExitCode } from '../failure.js';
import { findingsText } from '../output/findingsText.js';

export interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Resolves with the exit code: not 0 when a node would not work. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const file = options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
  const findings = await examine(file);
  const ok = !findings.some(({ level }) => level === 'error');
  const text = options.json === true ? JSON.stringify({ ok, findings }) : findingsText(findings);
  process.stdout.write(`${text}\n`);
  return ok ? ExitCode.ok : ExitCode.failed;
}
