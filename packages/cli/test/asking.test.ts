import {
  startControlServer,
  type ConnectionsDocument,
  type ExplainedFrame,
  type ControlServer,
  type MemberStatus,
  type OrderRequest,
  type OrderResult,
  type StatusDocument,
} from '@ringmaster/node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodePcap } from 'libnetraw/wire';
import { ringmaster } from './command.js';

const member = (last: number, role: MemberStatus['role'], active = true): MemberStatus => ({
  address: `10.0.0.${last}`,
  id: last - 10,
  mac: `02:00:00:00:00:${last}`,
  role,
  active,
});

const STATUS: StatusDocument = {
  address: '10.0.0.12',
  id: 2,
  role: 'server',
  ring: {
    createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    dispatcher: '10.0.0.11',
    members: [member(11, 'dispatcher'), member(12, 'server'), member(13, 'server', false)],
  },
  connections: { total: 3, halfOpen: 1, established: 2, closing: 0 },
  rebuild: { state: 'done', percent: 100, ms: 12.5 },
  counters: { forwarded: 10, held: 2, dropped: { unknownConnection: 1, leaseExpired: 0 } },
};

const CONNECTIONS: ConnectionsDocument = {
  total: 5,
  connections: [
    {
      client: '10.9.0.2:40000',
      cluster: '10.0.0.100:80',
      protocol: 'tcp',
      server: '10.0.0.11',
      state: 'established',
      idleMs: 61_000,
    },
  ],
};

let directory: string;
let socket: string;
let server: ControlServer;
let status = STATUS;
let outcome: OrderResult['outcome'] = 'done';
const ordered: OrderRequest[] = [];
const explained: unknown[] = [];
const EXPLAINED: ExplainedFrame = {
  verdict: 'forward',
  reason: null,
  why: 'its connection is known',
  client: '10.9.0.2:40000',
  cluster: '10.0.0.100:80',
  protocol: 'tcp',
  direction: 'to-server',
  server: '10.0.0.12',
  connection: { server: '10.0.0.12', state: 'established', idleMs: 40, packets: 3 },
  service: { scheduler: 'maglev', stateless: false, servers: 3, eligible: 2 },
  sent: null,
};
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-cli-'));
  socket = join(directory, 'node.sock');
  status = STATUS;
  outcome = 'done';
  ordered.length = 0;
  explained.length = 0;
  const started = await startControlServer(socket, {
    status: () => status,
    history: { document: () => ({ intervalMs: 1000, samples: [] }) },
    metrics: { contentType: 'text/plain', text: async () => '' },
    events: { after: () => [], subscribe: () => () => undefined },
    connections: async (limit) => ({ ...CONNECTIONS, connections: CONNECTIONS.connections.slice(0, limit) }),
    explain: async (request) => {
      explained.push(request);
      const frames = request.kind === 'frames' ? request.frames.map(() => EXPLAINED) : [EXPLAINED];
      return { ok: true, document: { dispatching: true, dispatcher: '10.0.0.11', frames } };
    },
    reload: async () => ({ ok: false, code: 'busy', message: 'not asked for here', changes: [] }),
    order: async (request) => {
      ordered.push(request);
      if (request.addresses.includes('10.0.0.99')) return { ok: false, message: '10.0.0.99 is no member' };
      return { ok: true, document: { servers: request.addresses.map((address) => ({ address, outcome })) } };
    },
  });
  if (!started.ok) throw new Error(started.problem.message);
  server = started.value;
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ringmaster([...args, '--socket', socket]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe('status', () => {
  it('prints the document of the contract', async () => {
    expect(JSON.parse(await said('status', '--json'))).toEqual(STATUS);
    status = { ...STATUS, sharePercent: 24.9 };
    expect(await said('status')).toMatch(/share of the clients +24\.9 %/);
  });

  it('draws the ring for people', async () => {
    expect(await said('status')).toBe(`10.0.0.12 is server (id 2)

Ring of 3 (2 active) since 2026-01-02 03:04:05 UTC, dispatched by 10.0.0.11:
  ┌▶ 10.0.0.11  dispatcher
  │  10.0.0.12  this node
  └─ 10.0.0.13  inactive

connections                     3 (2 established, 1 half-open, 0 closing)
rebuild of the connection map   complete, took 13 ms
forwarded                       10
held                            2
dropped: unknownConnection      1
`);
  });

  it('has words for a node that is alone and new', async () => {
    status = {
      ...STATUS,
      role: 'standalone',
      ring: { ...STATUS.ring, dispatcher: null, members: [member(12, 'standalone')] },
      rebuild: { state: 'running', percent: 42, ms: 7 },
    };
    const text = await said('status');
    expect(text).toContain('dispatched by nobody at the moment:\n     10.0.0.12  standalone, this node\n');
    expect(text).toContain('42 % after 7 ms');
  });

  it('tells what the health checks say', async () => {
    const good = {
      check: 'tcp 127.0.0.1:25',
      state: 'good',
      ok: true,
      responseMs: 1.6,
      ageMs: 20,
      lastFailure: null,
    } as const;
    const ill = {
      ...good,
      check: 'http://a/',
      state: 'ill',
      ok: false,
      lastFailure: 'answered 500',
    } as const;
    const unknown = {
      ...good,
      check: 'command b',
      state: 'unknown',
      ok: null,
      responseMs: null,
      ageMs: null,
    } as const;
    status = { ...STATUS, health: [good, ill, unknown] };
    const text = await said('status');
    expect(text).toMatch(/^health: tcp 127.0.0.1:25 +good, answered in 2 ms$/m);
    expect(text).toMatch(/^health: http:\/\/a\/ +ill: answered 500$/m);
    expect(text).toMatch(/^health: command b +not checked yet$/m);
  });

  it('finds the node by its configuration', async () => {
    const config = join(directory, 'ringmaster.yaml');
    writeFileSync(
      config,
      'interface: eth0\nring: { insecure: true }\nclusters: [{ address: 10.0.0.100, ports: [{ port: 80 }] }]\ncontrol: { socket: node.sock }\n',
    );
    const { code, stdout } = await ringmaster(['status', '--json', '--config', config]);
    expect({ code, address: JSON.parse(stdout).address }).toEqual({ code: 0, address: '10.0.0.12' });
  });
});

it('members lists them', async () => {
  expect(await said('members')).toBe(`ADDRESS     ID   MAC                 ROLE         ACTIVE
10.0.0.11   1    02:00:00:00:00:11   dispatcher   yes
10.0.0.12   2    02:00:00:00:00:12   server       yes
10.0.0.13   3    02:00:00:00:00:13   server       no
`);
  expect(JSON.parse(await said('members', '--json'))).toEqual({ members: STATUS.ring.members });
});

it('connections lists them, and says when there are more', async () => {
  expect(await said('connections', '--limit', '1'))
    .toBe(`CLIENT           CLUSTER         PROTOCOL   SERVER      STATE         IDLE
10.9.0.2:40000   10.0.0.100:80   tcp        10.0.0.11   established   1 min 1 s
... and 4 more; --limit 5 shows them all
`);
  expect(JSON.parse(await said('connections', '--json'))).toEqual(CONNECTIONS);
});

it('members shows the weights in force, and what the nodes tell of their load', async () => {
  const load = {
    connections: 12,
    newPerSecond: 3.25,
    acceptQueue: 1,
    acceptQueueLimit: 128,
    responseMs: 1.25,
    ageMs: 5,
  };
  const members = [
    { ...member(11, 'dispatcher'), weight: { configured: 1, share: 1, loadFactor: 1, inForce: 1 }, load },
    {
      ...member(12, 'server'),
      weight: { configured: 2, share: 0.25, loadFactor: 0.8, inForce: 0.4 },
      load: { ...load, responseMs: null },
    },
    member(13, 'server', false),
  ];
  status = { ...STATUS, ring: { ...STATUS.ring, members } };
  const rows = (await said('members'))
    .trimEnd()
    .split('\n')
    .map((row) => row.split(/ {2,}/).slice(4));
  expect(rows).toEqual([
    ['ACTIVE', 'WEIGHT', 'CONNECTIONS', 'NEW/S', 'QUEUE', 'ANSWERS IN'],
    ['yes', '1', '12', '3.3', '1/128', '1.3 ms'],
    ['yes', '0.40 of 2 (slow start, load)', '12', '3.3', '1/128', '-'],
    ['no', '?', '?', '?', '?', '?'],
  ]);
});

it('members and status show who is drained, what is left, and until when', async () => {
  const drain = { state: 'draining', deadlineInMs: 40_500, connections: 12 } as const;
  const over = { state: 'drained', deadlineInMs: 0, connections: 0 } as const;
  const untold = { state: 'draining', deadlineInMs: null, connections: null } as const;
  const members = [
    { ...member(11, 'dispatcher'), drain },
    { ...member(12, 'server', false), drain: over },
    { ...member(13, 'server'), drain: untold },
  ];
  status = { ...STATUS, ring: { ...STATUS.ring, members } };
  const rows = (await said('members')).split('\n').map((row) => row.split(/ {2,}/).at(-1));
  expect(rows.slice(0, 4)).toEqual([
    'ACTIVE',
    'draining, 12 connections left, reset in 40 s',
    'drained, 0 connections left',
    'draining',
  ]);
  expect(await said('status')).toContain(
    '10.0.0.11  dispatcher, draining, 12 connections left, reset in 40 s\n',
  );
});

describe('drain, undrain and abdicate', () => {
  it('tell the node what is wanted, and say what will happen', async () => {
    expect(await said('drain', '10.0.0.11', '10.0.0.12', '--deadline', '1.5m')).toBe(
      '10.0.0.11 takes no new connections; what is left after 90 s is reset\n' +
        '10.0.0.12 takes no new connections; what is left after 90 s is reset\n',
    );
    expect(await said('drain', '10.0.0.11')).toBe(
      '10.0.0.11 takes no new connections; its connections go on until they end\n',
    );
    expect(JSON.parse(await said('undrain', '10.0.0.11', '--json'))).toEqual({
      servers: [{ address: '10.0.0.11', outcome: 'done' }],
    });
    expect(await said('abdicate', '--for', '30')).toBe(
      '10.0.0.11 hands the dispatching over to the next in line\n',
    );
    await said('abdicate', '10.0.0.12');
    expect(ordered).toEqual([
      { action: 'drain', addresses: ['10.0.0.11', '10.0.0.12'], durationMs: 90_000 },
      { action: 'drain', addresses: ['10.0.0.11'], durationMs: undefined },
      { action: 'undrain', addresses: ['10.0.0.11'], durationMs: undefined },
      { action: 'abdicate', addresses: ['10.0.0.11'], durationMs: 30_000 },
      { action: 'abdicate', addresses: ['10.0.0.12'], durationMs: undefined },
    ]);
  });

  it('wait, if they are told to, until nothing is left', async () => {
    const left = (connections: number | null) => ({
      ...STATUS,
      ring: {
        ...STATUS.ring,
        members: [
          { ...member(11, 'server'), drain: { state: 'draining' as const, deadlineInMs: null, connections } },
        ],
      },
    });
    status = left(3);
    const waiting = said('drain', '10.0.0.11', '--wait');
    let isOver = false;
    void waiting.finally(() => (isOver = true)).catch(() => undefined);
    while (ordered.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    status = left(null);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(isOver).toBe(false);
    status = left(0);
    expect(await waiting).toContain('10.0.0.11 takes no new connections');

    status = STATUS;
    expect(await ringmaster(['drain', '10.0.0.11', '--wait', '--socket', socket])).toMatchObject({
      code: 1,
      stderr: 'ringmaster: 10.0.0.11 is not drained any more, or not in the ring\n',
    });
  });

  it('end with 1 when a server could not be told, or could not do it', async () => {
    expect(await ringmaster(['drain', '10.0.0.99', '--socket', socket])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'ringmaster: 10.0.0.99 is no member\n',
    });
    outcome = 'unanswered';
    const { code, stderr } = await ringmaster(['drain', '10.0.0.11', '--json', '--socket', socket]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'ringmaster: 10.0.0.11 did not answer: it may have heard or not; look at `ringmaster members` and ask again\n',
    });
    status = { ...STATUS, ring: { ...STATUS.ring, dispatcher: null } };
    expect(await ringmaster(['abdicate', '--socket', socket])).toMatchObject({
      code: 1,
      stderr: 'ringmaster: nobody dispatches at the moment: there is nothing to hand over\n',
    });
  });
});

describe('a mistake on the command line', () => {
  it.each([
    [['stauts'], "error: unknown command 'stauts'\n(Did you mean status?)\nSee: ringmaster --help\n"],
    [
      ['up', '--confg', 'x'],
      "error: unknown option '--confg'\n(Did you mean --config?)\nSee: ringmaster up --help\n",
    ],
    [
      ['up', '--log-level', 'loud'],
      "error: option '--log-level <level>' argument 'loud' is invalid. Allowed choices are error, warn, info, debug.\nSee: ringmaster up --help\n",
    ],
    [
      ['drain', '10.0.0.11', '--deadline', 'soon'],
      "error: option '-d, --deadline <time>' argument 'soon' is invalid. Expected a time like 500ms, 60s, 5m or 2h, a week at most.\nSee: ringmaster drain --help\n",
    ],
    [['drain'], "error: missing required argument 'address'\nSee: ringmaster drain --help\n"],
    [
      ['connections', '--limit', 'many'],
      "error: option '-n, --limit <number>' argument 'many' is invalid. Expected a whole number from 1 to 1000000.\nSee: ringmaster connections --help\n",
    ],
  ])('%j is answered with a hint', async (args, stderr) => {
    expect(await ringmaster(args)).toEqual({ code: 1, stdout: '', stderr });
  });
});

it('says when no node runs', async () => {
  await server.close();
  expect(await ringmaster(['status', '--json', '--socket', socket])).toEqual({
    code: 1,
    stdout: '',
    stderr: `ringmaster: no node answers at ${socket}; start it with \`ringmaster up\`, or name its socket with --socket or its file with --config\n`,
  });
});

it('explains itself', async () => {
  const { code, stdout } = await ringmaster(['--help']);
  expect(code).toBe(0);
  for (const command of [
    'init',
    'up',
    'status',
    'members',
    'connections',
    'drain',
    'undrain',
    'abdicate',
    'doctor',
    'check',
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect((await ringmaster([command, '--help'])).stdout).toContain(`Usage: ringmaster ${command}`);
  }
});

describe('explain', () => {
  it('says in rows what becomes of a packet', async () => {
    expect(await said('explain', 'tcp', '10.9.0.2:40000', '10.0.0.100:80')).toBe(
      `packet      tcp 10.9.0.2:40000 -> 10.0.0.100:80
verdict     forward
why         its connection is known
server      10.0.0.12
connection  established at 10.0.0.12, 3 packets, the last 40 ms ago
service     maglev, 2 of 3 servers take new connections
`,
    );
    expect(explained).toMatchObject([{ kind: 'packet', protocol: 'tcp', packet: undefined }]);
  });

  it('a capture, a line a frame, however many', async () => {
    const file = join(directory, 'some.pcap');
    const frames = Array.from({ length: 300 }, (_, i) => ({ atMs: 1000 + i, bytes: Uint8Array.of(i & 255) }));
    writeFileSync(file, encodePcap(frames));
    const text = await said('explain', '--pcap', file);
    expect(text.trimEnd().split('\n')).toHaveLength(301);
    expect(text).toContain('300     299.0 ms');
    expect(explained.map((request) => (request as { frames: unknown[] }).frames.length)).toEqual([256, 44]);
    const document = JSON.parse(await said('explain', '--pcap', file, '--limit', '2', '--json')) as unknown;
    expect(document).toEqual({ dispatching: true, dispatcher: '10.0.0.11', frames: [EXPLAINED, EXPLAINED] });
  });

  it.each([
    [['explain'], 'expected a connection'],
    [['explain', 'tcp', '10.9.0.2'], 'expected a connection'],
    [['explain', 'tcp', 'here', 'there'], 'client: expected an address and a port'],
    [['explain', '--pcap', '/nowhere'], '/nowhere cannot be read'],
  ])('%j: %s', async (args, message) => {
    const { code, stderr } = await ringmaster([...args, '--socket', socket]);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});
