import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig, unsupportedProblems, type NodeConfig } from '../../src/config/index.js';
import { BAD, FULL, GOOD } from './fixtures.js';

const FILE = '/etc/ringmaster/ringmaster.yaml';

function good(text: string): NodeConfig {
  const result = parseConfig(text, FILE);
  if (!result.ok) throw new Error(result.problems.map((problem) => formatProblem(FILE, problem)).join('\n'));
  return result.value;
}

/** The problems of a bad file as the user reads them. */
function complaints(text: string): string[] {
  const result = parseConfig(text, FILE);
  return result.ok ? [] : result.problems.map((problem) => formatProblem('ringmaster.yaml', problem));
}

describe('a good file', () => {
  it('has its defaults filled in and its paths made absolute', () => {
    expect(good(GOOD)).toEqual({
      file: FILE,
      interface: 'eth0',
      weight: 1,
      slowStartMs: 0,
      capabilities: ['dispatch', 'serve'],
      ring: {
        transport: 'udp',
        port: 7400,
        keyFiles: ['/etc/ringmaster/cluster.key'],
        insecure: false,
        heartbeatIntervalMs: 50,
        communicationTimeoutMs: 250,
        broadcastTimeoutMs: 100,
        election: { from: 'smallest', position: 1 },
        preempt: true,
        holdDownMs: 0,
        minimumMembers: 1,
      },
      clusters: [
        {
          address: '10.0.0.100',
          mode: 'l4/2',
          dispatch: 'routed',
          ports: [{ port: 80, protocol: 'tcp', scheduler: 'round-robin', stateless: false }],
        },
      ],
      workers: 1,
      maxConnections: 1_048_576,
      control: { socket: '/run/ringmaster.sock' },
    });
  });

  it('may use every key', () => {
    const config = good(FULL);
    expect(config.outside).toEqual({ interface: 'eth1' });
    expect(config.address).toBe('10.0.0.11');
    expect(config.address6).toBe('2001:db8::11');
    expect(config.workers).toBe(2);
    expect(config.capabilities).toEqual(['serve']);
    expect(config.ring).toMatchObject({
      transport: 'ethernet',
      keyFiles: ['/etc/ringmaster/new.key', '/keys/old.key'],
      election: { from: 'largest', position: 2 },
      preempt: false,
      holdDownMs: 500,
      minimumMembers: 3,
    });
    expect(config.clusters[0].ports[0]).toEqual({
      port: 80,
      protocol: 'tcp',
      scheduler: 'load-aware',
      stateless: false,
      targetPort: 8080,
      servers: [
        { address: '10.0.0.21', weight: 1 },
        { address: '10.0.0.22', weight: 2 },
      ],
      health: { http: 'http://127.0.0.1:80/', intervalMs: 500, timeoutMs: 1000, rise: 2, fall: 3 },
    });
    expect(config.clusters[0].gateway).toBe('10.0.0.1');
    expect(config.clusters[0].ports[1]).toMatchObject({ scheduler: 'maglev', stateless: true });
    expect(config.clusters[1].ports[0].health).toMatchObject({ tcp: '[::1]:443' });
    expect(config.control.socket).toBe('/etc/ringmaster/run/node.sock');
  });

  it('may leave sections empty that have defaults', () => {
    expect(good(`${GOOD}control:\n`).control.socket).toBe('/run/ringmaster.sock');
  });

  it('may do without a key when it says so', () => {
    expect(good(GOOD.replace('keyFile: cluster.key', 'insecure: true')).ring).toMatchObject({
      keyFiles: [],
      insecure: true,
    });
  });
});

describe('a bad file', () => {
  it.each(BAD)('with %s is told so', (_, text, expected) => {
    expect(complaints(text)).toEqual(expected);
  });

  it('is told all of its problems at once, in the order of the file', () => {
    const text = FULL.replace('weight', 'wieght')
      .replace('eth0', '42')
      .replace('scheduler: load-aware', 'scheduler: random');
    const places = complaints(text).map((line) => line.split(': ').slice(0, 2).join(' '));
    expect(places).toEqual([
      'ringmaster.yaml:1 interface',
      'ringmaster.yaml:3 wieght',
      'ringmaster.yaml:27 clusters[0].ports[0].scheduler',
    ]);
  });

  it.each([
    'a: *nobody',
    '{',
    '\t- x',
    'a: &x [*x]',
    '? [1, 2]\n: 3',
    '!!binary "aGk="',
    '__proto__: { a: 1 }',
    '"\\ud800": 1',
  ])('of any shape gets an answer, not an exception: %s', (text) => {
    expect(complaints(text).length).toBeGreaterThan(0);
  });

  it('cannot make the parser expand aliases without end', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (let level = 1; level < 9; level++) {
      const [name, inner] = [String.fromCharCode(97 + level), String.fromCharCode(96 + level)];
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${inner}`).join(',')}]`);
    }
    expect(complaints(bomb.join('\n'))[0]).toContain('not valid YAML: Excessive alias count');
  });
});

describe('what this version does not do', () => {
  it('is refused by name, with what to write instead', () => {
    const l7 = { ...good(GOOD), clusters: [{ ...good(GOOD).clusters[0], mode: 'l7' as const }] };
    expect(unsupportedProblems(l7).map((problem) => formatProblem('f', problem))).toEqual([
      'f: clusters[0].mode: mode l7 is not in this version; use l4/2 or l4/3',
    ]);
  });

  it('leaves everything else alone', () => {
    expect(unsupportedProblems(good(FULL))).toEqual([]);
  });

  it('leaves a plain configuration alone', () => {
    expect(unsupportedProblems(good(GOOD))).toEqual([]);
  });
});
