/** From the text of a configuration file to a `NodeConfig`, or to every problem in it at once. */
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { showValue, type ConfigPath, type ConfigProblem, type ConfigResult } from './problem.js';
import { crossKeyProblems } from './rules.js';
import { fileSchema, type FileConfig } from './schema/file.js';
import { keysAt } from './schema/keys.js';
import { suggest } from './suggest.js';
import type { ClusterConfig, ControlConfig, DashboardConfig, ElectionConfig, NodeConfig } from './types.js';

/** sockaddr_un holds 108 bytes, the last of them zero. */
const SOCKET_PATH_BYTES = 107;

/** A key without a value (`control:` and nothing below) counts as not written. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function valueAt(raw: unknown, path: ConfigPath): unknown {
  let value = raw;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** The line of the key at `path`, or of the nearest thing above it that is written. */
function lineOf(document: Document, lines: LineCounter, path: ConfigPath): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const parent = length === 0 ? undefined : document.getIn(path.slice(0, length - 1), true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === path[length - 1])
      : undefined;
    const found = pair === undefined ? document.getIn(path.slice(0, length), true) : pair.key;
    const range = (found as { range?: readonly number[] } | undefined)?.range;
    if (range !== undefined) return lines.linePos(range[0]).line;
  }
  return undefined;
}

function unknownKeys(path: ConfigPath, keys: readonly string[]): ConfigProblem[] {
  const known = keysAt(path);
  return keys.map((key) => {
    const meant = suggest(key, known);
    const hint = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${meant}?`;
    return { code: 'unknown-key', path: [...path, key], message: `unknown key; ${hint}` };
  });
}

function schemaProblems(raw: unknown, issues: readonly z.core.$ZodIssue[]): ConfigProblem[] {
  const seen = new Set<string>();
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path as ConfigPath;
    if (issue.code === 'unrecognized_keys') return unknownKeys(path, issue.keys);
    const place = JSON.stringify(path);
    if (seen.has(place)) return [];
    seen.add(place);
    const found = valueAt(raw, path);
    if (found === undefined && path.length > 0) {
      return [{ code: 'missing', path, message: `missing; expected ${issue.message}` }];
    }
    return [{ code: 'invalid', path, message: `expected ${issue.message}, found ${showValue(found)}` }];
  });
}

function syntaxProblem(
  error: { message: string; pos: readonly number[] },
  lines: LineCounter,
): ConfigProblem {
  const message = error.message.split(/ at line |\n/, 1)[0].replace(/:$/, '');
  return {
    code: 'syntax',
    path: [],
    line: lines.linePos(error.pos[0]).line,
    message: `not valid YAML: ${message}`,
  };
}

function toElection(written: FileConfig['ring']['election']): ElectionConfig {
  if (typeof written === 'string') return { from: written, position: 1 };
  return 'smallest' in written
    ? { from: 'smallest', position: written.smallest }
    : { from: 'largest', position: written.largest };
}

/** zod types an absent key as `undefined`; here absent keys are absent. The values are the same. */
const dropUndefined = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function toNodeConfig(file: string, written: FileConfig): NodeConfig {
  const here = (path: string): string => resolve(dirname(file), path);
  const { election, keyFile = [], ...ring } = written.ring;
  const { address, address6, outside, clusters, dashboard, metrics, dns, ...rest } = dropUndefined(written);
  return {
    ...rest,
    file,
    ...(address === undefined ? {} : { address }),
    ...(address6 === undefined ? {} : { address6 }),
    ...(outside === undefined ? {} : { outside }),
    ring: { ...ring, keyFiles: [keyFile].flat().map(here), election: toElection(election) },
    clusters: clusters as readonly ClusterConfig[],
    control: toControl(dropUndefined(written.control), here),
    ...(metrics === undefined ? {} : { metrics }),
    ...(dns === undefined ? {} : { dns }),
    ...(dashboard === undefined ? {} : { dashboard: toDashboard(dashboard, here) }),
  };
}

function toControl(
  { socket, tokenFile, tls, ...rest }: FileConfig['control'],
  here: (path: string) => string,
): ControlConfig {
  const { certificate, key, clientCa } = tls ?? {};
  return {
    ...rest,
    socket: here(socket),
    ...(tokenFile === undefined ? {} : { tokenFile: here(tokenFile) }),
    ...(certificate === undefined || key === undefined
      ? {}
      : {
          tls: {
            certificate: here(certificate),
            key: here(key),
            ...(clientCa === undefined ? {} : { clientCa: here(clientCa) }),
          },
        }),
  } as ControlConfig;
}

function toDashboard(
  { tokenFile, ...rest }: NonNullable<FileConfig['dashboard']>,
  here: (path: string) => string,
): DashboardConfig {
  return { ...rest, ...(tokenFile === undefined ? {} : { tokenFile: here(tokenFile) }) };
}

function socketProblems(config: NodeConfig): ConfigProblem[] {
  const sizeBytes = Buffer.byteLength(config.control.socket);
  if (sizeBytes <= SOCKET_PATH_BYTES) return [];
  const message = `expected a path of at most ${SOCKET_PATH_BYTES} bytes, found one of ${sizeBytes}: ${config.control.socket}`;
  return [{ code: 'invalid', path: ['control', 'socket'], message }];
}

/**
 * Parses and checks a configuration.
 * @param text YAML 1.2
 * @param file absolute path of the file: relative paths in it start from its directory
 */
export function parseConfig(text: string, file: string): ConfigResult<NodeConfig> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true, logLevel: 'error' });
  const syntax = document.errors.map((error) => syntaxProblem(error, lines));
  if (syntax.length > 0) return { ok: false, problems: syntax };
  let raw: unknown;
  try {
    raw = withoutNulls(document.toJS({ maxAliasCount: 100 }));
  } catch (error) {
    const message = `not valid YAML: ${(error as Error).message}`;
    return { ok: false, problems: [{ code: 'syntax', path: [], message }] };
  }
  if (raw === null) {
    const message = 'the file is empty; `ringmaster init` writes one to start from';
    return { ok: false, problems: [{ code: 'missing', path: [], message }] };
  }
  const checked = fileSchema.safeParse(raw);
  const found = checked.success ? [] : schemaProblems(raw, checked.error.issues);
  found.push(...crossKeyProblems(raw));
  const config = checked.success ? toNodeConfig(file, checked.data) : undefined;
  if (config !== undefined) found.push(...socketProblems(config));
  if (config !== undefined && found.length === 0) return { ok: true, value: config };
  const placed = found.map((problem) => {
    const line = lineOf(document, lines, problem.path);
    return line === undefined ? problem : { ...problem, line };
  });
  return { ok: false, problems: placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}
