import { describe, expect, it } from 'vitest';
import { parseConfig, type NodeConfig } from '../../src/config/index.js';
import type { Examined } from '../../src/config/examine.js';
import type { ReloadAnswer } from '../../src/control/status.js';
import { LiveConfig, Reload, type ChangeHost, type ReloadParts } from '../../src/daemon/reload.js';

const BASE = {
  interface: 'eth0',
  ring: { keyFile: '/etc/ringmaster/cluster.key' },
  clusters: [{ address: '10.0.0.100', ports: [{ port: 80 }] }] as object[],
};
const OTHER = { address: '10.0.0.101', ports: [{ port: 80 }] };
const KEY = new Uint8Array(32).fill(1);

function configOf(written: object): NodeConfig {
  const parsed = parseConfig(JSON.stringify(written), '/etc/ringmaster/ringmaster.yaml');
  if (!parsed.ok) throw new Error(parsed.problems[0].message);
  return parsed.value;
}

const good = (written: object, keys: readonly Uint8Array[] = [KEY], warnings: string[] = []): Examined => ({
  ok: true,
  config: configOf(written),
  keys,
  warnings,
});

/** A node that runs with `BASE`, and whose file then says what `file.says`. */
function node(change: Partial<ReloadParts> = {}) {
  const done: string[] = [];
  const file: { says: Examined } = { says: good(BASE) };
  const live = new LiveConfig(configOf(BASE));
  let keys: readonly Uint8Array[] = [KEY];
  const changeHost: ChangeHost = async () => {
    done.push('host');
    return {
      ok: true,
      finish: () => {
        done.push('host finished');
        return [];
      },
    };
  };
  const reload = new Reload({
    live,
    keys: {
      get current() {
        return keys;
      },
      replace: (next) => {
        keys = next;
        done.push('keys');
      },
    },
    changeHost,
    apply: () => done.push('applied'),
    onReload: (isUnderWay) => void done.push(isUnderWay ? 'begin' : 'end'),
    events: { add: (_kind, text) => done.push(`event: ${text}`) },
    logger: { info: () => undefined, warn: () => undefined } as unknown as ReloadParts['logger'],
    examine: async () => file.says,
    ...change,
  });
  return { reload, done, file, live, keys: () => keys };
}

const now = (reload: Reload): Promise<ReloadAnswer> => reload.request({ dryRun: false });
const parts = (done: readonly string[]): string[] => done.filter((each) => !each.startsWith('event'));

describe('a reload', () => {
  it('changes nothing when the file says what is in force', async () => {
    const { reload, done } = node();
    expect(await now(reload)).toEqual({
      ok: true,
      document: { outcome: 'unchanged', changes: [], warnings: [] },
    });
    expect(done).toEqual(['begin', 'end']);
  });

  it('readies the host, tells the parts of the node, then takes away what the host needs no longer', async () => {
    const { reload, done, file, live } = node();
    file.says = good({ ...BASE, weight: 3, clusters: [...BASE.clusters, OTHER] }, [KEY], ['mend this']);
    const answer = await now(reload);
    expect(answer).toMatchObject({ ok: true, document: { outcome: 'applied', warnings: ['mend this'] } });
    expect(answer.ok && answer.document.changes).toEqual([
      { path: 'weight', from: 1, to: 3 },
      { path: 'clusters[10.0.0.101]', from: null, to: expect.objectContaining({ address: '10.0.0.101' }) },
    ]);
    expect(parts(done)).toEqual(['begin', 'host', 'keys', 'applied', 'host finished', 'end']);
    expect(done).toContain('event: the configuration was reloaded: weight, clusters[10.0.0.101]');
    expect(live.current.weight).toBe(3);
    // It is in force now.
    expect(await now(reload)).toMatchObject({ document: { outcome: 'unchanged' } });
  });

  it('says what it would do in a dry run, and does nothing', async () => {
    const { reload, done, file, live } = node();
    file.says = good({ ...BASE, weight: 3 });
    const answer = await reload.request({ dryRun: true });
    expect(answer).toMatchObject({ document: { outcome: 'checked', changes: [{ path: 'weight' }] } });
    expect(done).toEqual(['begin', 'end']);
    expect(live.current.weight).toBe(1);
  });

  it('notices another key in the same file, and tells no key', async () => {
    const { reload, done, file, keys } = node();
    const other = new Uint8Array(32).fill(2);
    file.says = good(BASE, [other]);
    const answer = await now(reload);
    expect(answer.ok && answer.document.changes).toEqual([
      {
        path: 'ring.keys',
        from: [expect.stringMatching(/^\/etc\/ringmaster\/cluster\.key \([0-9a-f]{8}\)$/)],
        to: [expect.stringMatching(/^\/etc\/ringmaster\/cluster\.key \([0-9a-f]{8}\)$/)],
      },
    ]);
    expect(parts(done)).toContain('keys');
    expect(keys()).toEqual([other]);
  });

  it.each([
    ['workers', { workers: 2 }],
    ['interface', { interface: 'eth1' }],
    ['ring.heartbeatIntervalMs', { ring: { ...BASE.ring, heartbeatIntervalMs: 60 } }],
    ['ring.insecure', { ring: { insecure: true } }],
    [
      'clusters[10.0.0.100].ports[80/tcp].stateless',
      { clusters: [{ address: '10.0.0.100', ports: [{ port: 80, scheduler: 'maglev', stateless: true }] }] },
    ],
    [
      'clusters[10.0.0.100].mode',
      { clusters: [{ ...BASE.clusters[0], mode: 'l4/3', gateway: '10.0.0.250' }] },
    ],
    ['IPv6', { clusters: [...BASE.clusters, { address: '2001:db8::64', ports: [{ port: 80 }] }] }],
  ])('is refused whole when %s would change', async (what, change) => {
    const { reload, done, file, live } = node();
    // Beside something that could be changed.
    file.says = good({ ...BASE, weight: 9, ...change });
    const answer = await now(reload);
    expect(answer).toMatchObject({ ok: false, code: 'restart-needed' });
    expect(!answer.ok && answer.message).toContain(what);
    expect(!answer.ok && answer.changes.length).toBeGreaterThan(1);
    expect(parts(done)).toEqual(['begin', 'end']);
    expect(live.current.weight).toBe(1);
  });

  it('is refused when the file is wrong, and says all that is', async () => {
    const { reload, done, file } = node();
    file.says = {
      ok: false,
      problems: [
        { code: 'invalid', path: ['weight'], line: 3, message: 'expected less' },
        { code: 'key-missing', path: [], message: 'no key' },
      ],
    };
    expect(await now(reload)).toEqual({
      ok: false,
      code: 'invalid',
      message:
        '/etc/ringmaster/ringmaster.yaml:3: weight: expected less\n/etc/ringmaster/ringmaster.yaml: no key',
      changes: [],
    });
    expect(parts(done)).toEqual(['begin', 'end']);
  });

  it('changes nothing when the host cannot be readied', async () => {
    const changeHost: ChangeHost = async () => ({ ok: false, message: 'that address is taken' });
    const { reload, done, file, live } = node({ changeHost });
    file.says = good({ ...BASE, weight: 2, clusters: [...BASE.clusters, OTHER] });
    expect(await now(reload)).toMatchObject({ ok: false, code: 'refused', message: 'that address is taken' });
    expect(parts(done)).toEqual(['begin', 'end']);
    expect(live.current.weight).toBe(1);
  });

  it('waits for those before it, and is refused when too many wait', async () => {
    const { reload, done, file } = node();
    file.says = good({ ...BASE, weight: 2 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => now(reload)));
    const outcomes = answers.map((answer) => (answer.ok ? answer.document.outcome : answer.code));
    expect(outcomes).toEqual([
      'applied',
      ...Array<string>(15).fill('unchanged'),
      ...Array<string>(4).fill('busy'),
    ]);
    expect(done.filter((each) => each === 'begin' || each === 'end').join(' ')).toBe(
      Array<string>(16).fill('begin end').join(' '),
    );
    expect((await now(reload)).ok).toBe(true);
  });

  it('does not go on in a node that is being stopped', async () => {
    const { reload, done, file } = node();
    file.says = good({ ...BASE, weight: 2 });
    const answer = now(reload);
    reload.close();
    expect(await answer).toMatchObject({ ok: false, code: 'refused' });
    expect(done).not.toContain('applied');
  });

  it('goes on after one that has failed with a bug', async () => {
    let isBroken = true;
    const examine = async (): Promise<Examined> => {
      if (isBroken) throw new Error('a bug');
      return good(BASE);
    };
    const { reload } = node({ examine });
    await expect(now(reload)).rejects.toThrow('a bug');
    isBroken = false;
    expect((await now(reload)).ok).toBe(true);
  });
});
