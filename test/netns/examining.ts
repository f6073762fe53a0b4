/** Running `ringmaster doctor` on hosts of the lab. */
import { ringmaster, writeNodeFile, type Host, type NodeFile } from '@ringmaster/lab';
import { expect } from 'vitest';

interface Found {
  readonly check: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly what: string;
}

export interface Diagnosis {
  readonly ok: boolean;
  readonly findings: readonly Found[];
  readonly fixes?: readonly {
    readonly check: string;
    readonly outcome: 'done' | 'failed' | 'planned';
    readonly did: string;
    readonly persist?: string;
  }[];
}

export const ADDRESS = '10.0.0.100';

/** A configuration without a key, for who wants no ring. */
export const settings = (changes: NodeFile = {}): NodeFile => ({
  interface: 'eth0',
  ring: { insecure: true },
  clusters: [{ address: ADDRESS, ports: [{ port: 80 }] }],
  ...changes,
});

/** What `doctor` says with this configuration; `wrap` is a command that runs it in some other circumstance. */
export async function diagnose(
  host: Host,
  config: NodeFile = settings(),
  { args = [], wrap = [] }: { readonly args?: readonly string[]; readonly wrap?: readonly string[] } = {},
): Promise<Diagnosis> {
  const { file } = await writeNodeFile(host, config);
  return examine(host, file, { args, wrap });
}

/** The same with the configuration at `file`. */
export async function examine(
  host: Host,
  file: string,
  { args = [], wrap = [] }: { readonly args?: readonly string[]; readonly wrap?: readonly string[] } = {},
): Promise<Diagnosis> {
  // Listening for as long as people do is only worth while where there is something to hear.
  const listen = args.includes('--listen') ? [] : ['--listen', '100ms'];
  const all = ['doctor', '--config', file, '--json', ...listen, ...args];
  const [program, ...before] = wrap;
  const { stdout, stderr } =
    program === undefined
      ? await ringmaster(host, ...all)
      : await host.exec(program, [...before, process.execPath, 'packages/cli/bin/ringmaster.js', ...all]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Diagnosis;
}

/** What one check found, as `level: what`. */
export const of = (check: string, { findings }: Diagnosis): string[] =>
  findings.filter((each) => each.check === check).map(({ level, what }) => `${level}: ${what}`);

/** All that is not well. */
export const troubles = ({ findings }: Diagnosis): string[] =>
  findings
    .filter(({ level }) => level !== 'ok')
    .map(({ check, level, what }) => `${level} ${check}: ${what}`);

/** Sets a kernel setting of the host. */
export async function sysctl(host: Host, path: string, value: string): Promise<void> {
  const { code, stderr } = await host.exec('sh', ['-c', `echo ${value} > /proc/sys/${path}`]);
  expect([code, stderr]).toEqual([0, '']);
}
