/** What `doctor` found, as text for people. */
import pc from 'picocolors';
import type { Finding, FindingLevel } from '../doctor/finding.js';

const MARKS: Record<FindingLevel, string> = {
  ok: pc.green('ok     '),
  warning: pc.yellow('warning'),
  error: pc.red('error  '),
};

function findingText({ level, what, why, cure }: Finding): string {
  const lines = [`${MARKS[level]}  ${what}`];
  if (why !== undefined) lines.push(`         why:  ${why}`);
  if (cure !== undefined) lines.push(`         cure: ${cure}`);
  return lines.join('\n');
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export function findingsText(findings: readonly Finding[]): string {
  const count = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const verdict = errors > 0 ? 'a node will not work here yet' : 'a node can work here';
  const sum = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}: ${verdict}`;
  return [...findings.map(findingText), '', sum].join('\n');
}
