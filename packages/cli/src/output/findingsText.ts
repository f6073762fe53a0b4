/** What `doctor` found, as text for people. */
import pc from 'picocolors';
import type { Finding, FindingLevel } from '../doctor/finding.js';
import type { Fix } from '../doctor/fix.js';

const MARKS: Record<FindingLevel, string> = {
  ok: pc.green('ok     '),
  warning: pc.yellow('warning'),
  error: pc.red('error  '),
};

function findingText({ check, level, what, why, cure }: Finding): string {
  const name = level === 'ok' ? '' : ` (${check})`;
  const lines = [`${MARKS[level]}  ${what}${name}`];
  if (why !== undefined) lines.push(`         why:  ${why}`);
  if (cure !== undefined) lines.push(`         cure: ${cure}`);
  return lines.join('\n');
}

const OUTCOMES: Record<Fix['outcome'], string> = {
  done: pc.green('fixed  '),
  failed: pc.red('failed '),
  planned: pc.yellow('would  '),
};

/** What `--fix` did, and what the operator should do so that it stays. */
export function fixesText(fixes: readonly Fix[]): string {
  if (fixes.length === 0) return 'nothing that could be fixed without asking';
  return fixes
    .map(({ check, outcome, did, persist, why }) => {
      const lines = [`${OUTCOMES[outcome]}  ${check}: ${did}`];
      if (why !== undefined) lines.push(`         why:  ${why}`);
      if (persist !== undefined) lines.push(`         to keep it after a restart: ${persist}`);
      return lines.join('\n');
    })
    .join('\n');
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export function findingsText(findings: readonly Finding[]): string {
  const count = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const verdict = errors > 0 ? 'a node will not work here yet' : 'a node can work here';
  const sum = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}: ${verdict}`;
  return [...findings.map(findingText), '', sum].join('\n');
}
