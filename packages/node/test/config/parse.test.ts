import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig, unsupportedProblems, type NodeConfig } from '../../src/config/index.js';

const FILE = '/etc/ringmaster/ringmaster.yaml';

const GOOD = `interface: eth0
ring:
  keyFile: cluster.key
clusters:
  - address: 10.0.0.100
    ports:
      - port: 80
`;

/** The example of the interface, key by key. */
const FULL = `interface: eth0
outside: { interface: eth1 }
weight: 3
capabilities: [serve]
address: 10.0.0.11
address6: 2001:db8::11
workers: 2
maxConnections: 2048
ring:
  transport: ethernet
  port: 7401
  keyFile: [new.key, /keys/old.key]
  heartbeatIntervalMs: 20
  communicationTimeoutMs: 100
  broadcastTimeoutMs: 60
  election: { largest: 2 }
  preempt: false
  holdDownMs: 500
  minimumMembers: 3
clusters:
  - address: 10.0.0.100
    mode: l4/3
    gateway: 10.0.0.1
    ports:
      - port: 80
        protocol: tcp
        scheduler: load-aware
        targetPort: 8080
        servers: [10.0.0.21, { address: 10.0.0.22, weight: 2 }]
        health: { http: "http://127.0.0.1:80/", intervalMs: 500 }
      - port: 53
        protocol: all
        scheduler: maglev
        stateless: true
  - address: "2001:db8::100"
    ports: [{ port: 443, health: { tcp: "[::1]:443" } }]
control:
  socket: run/node.sock
`;

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
  const cases: [string, string, string[]][] = [
    [
      'a misspelt key',
      GOOD.replace('keyFile', 'keyfile'),
      [
        "ringmaster.yaml:2: ring.keyFile: missing; expected the path of the cluster key (`ringmaster init` makes one), or 'insecure: true' to do without",
        'ringmaster.yaml:3: ring.keyfile: unknown key; did you mean keyFile?',
      ],
    ],
    [
      'a key that resembles none',
      GOOD.replace('- port: 80', '- port: 80\n        colour: red'),
      [
        'ringmaster.yaml:8: clusters[0].ports[0].colour: unknown key; expected one of port, protocol, scheduler, targetPort, stateless, servers, affinity, health',
      ],
    ],
    [
      'a wrong type',
      GOOD.replace('port: 80', 'port: http'),
      [
        'ringmaster.yaml:7: clusters[0].ports[0].port: expected a port number (a whole number from 1 to 65535), found "http"',
      ],
    ],
    [
      'an address that does not parse',
      GOOD.replace('10.0.0.100', '10.0.0.300'),
      [
        'ringmaster.yaml:5: clusters[0].address: expected an IPv4 or IPv6 unicast address, like 10.0.0.100, found "10.0.0.300"',
      ],
    ],
    [
      'an address that no host can own',
      GOOD.replace('10.0.0.100', '224.0.0.1'),
      [
        'ringmaster.yaml:5: clusters[0].address: expected an IPv4 or IPv6 unicast address, like 10.0.0.100, found "224.0.0.1"',
      ],
    ],
    [
      'two clusters with one address',
      `${GOOD}  - address: 10.0.0.100\n    ports: [{ port: 81 }]\n`,
      [
        'ringmaster.yaml:8: clusters[1].address: 10.0.0.100 is already at clusters[0].address; each cluster needs its own',
      ],
    ],
    [
      'two clusters with one virtual MAC',
      `${GOOD}  - address: 11.0.0.100\n    ports: [{ port: 81 }]\n`,
      [
        'ringmaster.yaml:8: clusters[1].address: 11.0.0.100 ends in the same three numbers as clusters[0].address, so both would have one virtual MAC; choose addresses that differ there',
      ],
    ],
    [
      'no gateway in l4/3',
      GOOD.replace('    ports', '    mode: l4/3\n    ports'),
      [
        'ringmaster.yaml:5: clusters[0].gateway: missing; expected the ghost gateway that servers use as their default route (mode l4/3)',
      ],
    ],
    [
      'a gateway elsewhere',
      GOOD.replace('    ports', '    gateway: 10.0.0.1\n    ports'),
      ['ringmaster.yaml:6: clusters[0].gateway: only mode l4/3 has a gateway; remove it or set mode: l4/3'],
    ],
    [
      'too many workers',
      `${GOOD}workers: 17\n`,
      [
        'ringmaster.yaml:8: workers: expected a number of threads for packets (a whole number from 1 to 16), found 17',
      ],
    ],
    [
      'one port twice',
      `${GOOD}      - { port: 80, protocol: all }\n`,
      ['ringmaster.yaml:8: clusters[0].ports[1]: port 80/tcp is already at clusters[0].ports[0]; remove one'],
    ],
    [
      'a health check of both kinds',
      `${GOOD}        health: { http: "http://127.0.0.1/", tcp: "127.0.0.1:80" }\n`,
      [
        'ringmaster.yaml:8: clusters[0].ports[0].health: expected one of the keys http, tcp and command, found http and tcp',
      ],
    ],
    [
      'a timeout too near to the heartbeat',
      GOOD.replace('  keyFile', '  communicationTimeoutMs: 60\n  keyFile'),
      [
        'ringmaster.yaml:3: ring.communicationTimeoutMs: expected communicationTimeoutMs (60) to be at least twice heartbeatIntervalMs (50), or one late heartbeat looks like a death',
      ],
    ],
    [
      'a key and none',
      GOOD.replace('  keyFile', '  insecure: true\n  keyFile'),
      ['ringmaster.yaml:3: ring.insecure: insecure: true and keyFile exclude each other; remove one of them'],
    ],
    [
      'an unknown word',
      GOOD.replace('    ports', '    mode: l4/4\n    ports'),
      ['ringmaster.yaml:6: clusters[0].mode: expected one of l4/2, l4/3, l7, found "l4/4"'],
    ],
    [
      'an election that is none',
      GOOD.replace('  keyFile', '  election: { smallest: 0 }\n  keyFile'),
      [
        'ringmaster.yaml:3: ring.election.smallest: expected a position in the order of addresses (a whole number from 1 to 254), found 0',
      ],
    ],
    [
      'nothing',
      '# only a comment\n',
      ['ringmaster.yaml: the file is empty; `ringmaster init` writes one to start from'],
    ],
    [
      'something else than a mapping',
      '- a\n- b\n',
      ['ringmaster.yaml:1: expected a mapping with interface, ring and clusters, found a list'],
    ],
    [
      'a key given twice',
      `${GOOD}interface: eth1\n`,
      ['ringmaster.yaml:8: not valid YAML: Map keys must be unique'],
    ],
    [
      'a socket path that no socket can have',
      `${GOOD}control: { socket: /${'s'.repeat(107)} }\n`,
      [
        `ringmaster.yaml:8: control.socket: expected a path of at most 107 bytes, found one of 108: /${'s'.repeat(107)}`,
      ],
    ],
  ];

  it.each(cases)('with %s is told so', (_, text, expected) => {
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
