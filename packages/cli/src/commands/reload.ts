/** `ringmaster reload`: the node reads its configuration anew. */
import { controlRequest, type ConfigChange, type ReloadDocument, type ReloadRefusal } from '@ringmaster/node';
import { ExitCode, Failure } from '../failure.js';
import { table } from '../output/table.js';
import { placeOf } from '../place.js';
import type { ReadOptions } from './read.js';

export interface ReloadOptions extends ReadOptions {
  readonly dryRun?: boolean;
}

const HEADS: Readonly<Record<ReloadDocument['outcome'], string>> = {
  applied: 'reloaded; what has changed:',
  checked: 'could be reloaded; what would change:',
  unchanged: 'nothing to reload: the file says what is in force',
};

export async function reload(options: ReloadOptions): Promise<void> {
  const { json = false, dryRun = false } = options;
  const answer = await controlRequest<ReloadDocument>(placeOf(options), '/reload', { dryRun });
  if (!answer.ok) return fail(answer.problem, json);
  if (json) {
    process.stdout.write(`${JSON.stringify(answer.value)}\n`);
    return;
  }
  const { outcome, changes, warnings } = answer.value;
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(`${[HEADS[outcome], ...changesText(changes)].join('\n')}\n`);
}

function fail({ message, answer }: { message: string; answer?: unknown }, json: boolean): never {
  const refusal = answer as ReloadRefusal | undefined;
  if (json && refusal !== undefined) process.stdout.write(`${JSON.stringify(refusal)}\n`);
  const exitCode = refusal?.error?.code === 'invalid' ? ExitCode.configuration : ExitCode.failed;
  const changes = json ? [] : changesText(refusal?.changes ?? []);
  throw new Failure(
    [message, ...(changes.length === 0 ? [] : ['the file would change:', ...changes])].join('\n'),
    exitCode,
  );
}

function changesText(changes: readonly ConfigChange[]): string[] {
  if (changes.length === 0) return [];
  return [
    table(
      ['key', 'from', 'to'],
      changes.map(({ path, from, to }) => [path, show(from), show(to)]),
    ),
  ];
}

const show = (value: unknown): string => {
  if (value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
};
