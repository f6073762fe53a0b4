/** `doctor --fix`: applies the cures of findings, and of nothing else. */
import { kernelNetwork, recoverLeftover, switchLargeReceive, switchLinkOn } from '@ringmaster/node';
import { chmodSync, mkdirSync } from 'node:fs';
import type { CheckName } from './catalogue.js';
import type { Finding } from './finding.js';
import { describeRemedy, persistence, type Remedy } from './remedy.js';

export interface Fix {
  readonly check: CheckName;
  /** `planned`: a dry run. */
  readonly outcome: 'done' | 'failed' | 'planned';
  /** What was done, as one would type it. */
  readonly did: string;
  /** What keeps it in force after a restart of the host; absent where it lasts. */
  readonly persist?: string;
  /** Why it failed. */
  readonly why?: string;
}

function apply(remedy: Remedy): void {
  switch (remedy.kind) {
    case 'sysctl':
      return kernelNetwork.writeSysctl(remedy.path, remedy.value);
    case 'mode':
      return chmodSync(remedy.file, remedy.mode);
    case 'directory':
      return void mkdirSync(remedy.path, { recursive: true, mode: 0o755 });
    case 'link-up':
      return switchLinkOn(remedy.interface);
    case 'no-large-receive':
      return switchLargeReceive(remedy.interface, false);
    case 'leftover': {
      const undone = recoverLeftover(kernelNetwork, remedy.journal);
      if (!undone.ok) throw new Error(undone.problem.message);
      if (undone.value.warnings.length > 0) throw new Error(undone.value.warnings.join('; '));
    }
  }
}

function attempt(remedy: Remedy, dryRun: boolean): Pick<Fix, 'outcome' | 'why'> {
  if (dryRun) return { outcome: 'planned' };
  try {
    apply(remedy);
    return { outcome: 'done' };
  } catch (error) {
    return { outcome: 'failed', why: (error as Error).message };
  }
}

/**
 * Applies what the findings ask for, each remedy once.
 * @param only the checks whose findings are to be cured; undefined: all
 */
export function fix(
  findings: readonly Finding[],
  { dryRun, only }: { readonly dryRun: boolean; readonly only?: readonly CheckName[] },
): Fix[] {
  const done = new Set<string>();
  return findings.flatMap(({ check, level, remedy }): Fix[] => {
    if (level === 'ok' || remedy === undefined || (only !== undefined && !only.includes(check))) return [];
    const did = describeRemedy(remedy);
    if (done.has(did)) return [];
    done.add(did);
    const persist = persistence(remedy);
    const { outcome, why } = attempt(remedy, dryRun);
    return [{ check, outcome, did, ...(persist && { persist }), ...(why && { why }) }];
  });
}
