import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { StatusDocument } from '../../src/control/index.js';
import { CATALOGUE } from '../../src/metrics/catalogue.js';
import { Metrics } from '../../src/metrics/metrics.js';

const DOCS = new URL('../../../../docs/', import.meta.url);

const member = (address: string, connections: number) => ({
  ...{ address, id: 1, mac: '02:00:00:00:00:01', role: 'server' as const, active: true },
  weight: { configured: 2, share: 0.5, loadFactor: 1, inForce: 1 },
  load: { connections, newPerSecond: 1, acceptQueue: 3, acceptQueueLimit: 128, responseMs: 2, ageMs: 10 },
});

const STATUS: StatusDocument = {
  address: '10.0.0.11',
  id: 1,
  role: 'dispatcher',
  ring: {
    createdAt: 1_500,
    dispatcher: '10.0.0.11',
    members: [
      member('10.0.0.11', 7),
      {
        ...member('10.0.0.12', 9),
        active: false,
        drain: { state: 'draining', deadlineInMs: null, connections: 4 },
      },
    ],
  },
  fixedServers: [{ address: '10.0.0.21', mac: null, active: false, why: 'unseen' }],
  connections: { total: 6, halfOpen: 1, established: 3, closing: 2, limit: 1000 },
  rebuild: { state: 'done', percent: 100, ms: 250 },
  health: [
    { check: 'tcp 127.0.0.1:25', state: 'good', ok: true, responseMs: 20, ageMs: 1, lastFailure: null },
    { check: 'a "check"\n', state: 'ill', ok: false, responseMs: null, ageMs: 1, lastFailure: 'x' },
  ],
  counters: {
    ...{ forwarded: 10, local: 4, answered: 2, held: 1, frames: 20, batches: 5 },
    dropped: { unknownConnection: 3 },
    events: { scheduled: 6 },
    ...{ ringBufferDropped: 8, handshakesDropped: 9 },
    routed: { sent: 1, dropped: 0 },
    framesByWorker: { 0: 12, 1: 8 },
    ring: { packetsReceived: 100, purges: 2 },
    ringRefused: { notAuthentic: 5 },
    ringSocket: { sendErrors: 1 },
    drain: { ended: 11 },
  },
};

/** Lines like `name{label="x"} 1`, without comments. */
const samplesOf = (text: string): string[] => text.split('\n').filter((line) => /^ringmaster_/.test(line));

describe('Metrics', () => {
  it('says in the text format what the status document says', async () => {
    const samples = samplesOf(await new Metrics('1.2.3', () => STATUS).text());
    for (const expected of [
      'ringmaster_build_info{version="1.2.3"} 1',
      'ringmaster_role{role="dispatcher"} 1',
      'ringmaster_role{role="server"} 0',
      'ringmaster_ring_members{state="active"} 1',
      'ringmaster_ring_has_dispatcher 1',
      'ringmaster_ring_created_timestamp_seconds 1.5',
      'ringmaster_ring_events_total{event="packets_received"} 100',
      'ringmaster_ring_refused_total{reason="not_authentic"} 5',
      'ringmaster_member_connections{member="10.0.0.12"} 9',
      'ringmaster_member_weight{member="10.0.0.11"} 1',
      'ringmaster_member_drained{member="10.0.0.12"} 1',
      'ringmaster_fixed_server_active{server="10.0.0.21"} 0',
      'ringmaster_frames_total{verdict="forwarded"} 10',
      'ringmaster_frames_dropped_total{reason="unknown_connection"} 3',
      'ringmaster_connections{state="half_open"} 1',
      'ringmaster_connections_limit 1000',
      'ringmaster_rebuild_duration_seconds 0.25',
      'ringmaster_rebuild_progress_ratio 1',
      'ringmaster_dataplane_frames_total{worker="1"} 8',
      'ringmaster_dataplane_handshakes_dropped_total 9',
      'ringmaster_health_check_ok{check="tcp 127.0.0.1:25"} 1',
      'ringmaster_health_check_ok{check="a \\"check\\"\\n"} 0',
      'ringmaster_health_check_response_seconds{check="tcp 127.0.0.1:25"} 0.02',
      'ringmaster_drain_ended_connections_total 11',
    ]) {
      expect(samples).toContain(expected);
    }
  });

  it('forgets members that have gone, and does not add up from scrape to scrape', async () => {
    let status = STATUS;
    const metrics = new Metrics('1', () => status);
    const first = samplesOf(await metrics.text());
    expect(samplesOf(await metrics.text())).toEqual(first);
    status = { ...STATUS, ring: { ...STATUS.ring, members: STATUS.ring.members.slice(0, 1) } };
    const text = await metrics.text();
    expect(text).toContain('member="10.0.0.11"');
    expect(text).not.toContain('10.0.0.12');
  });

  it('has something to say of each metric of the catalogue, and each has a good name', async () => {
    const text = await new Metrics('1', () => STATUS).text();
    for (const { name, type, help, labels = [] } of CATALOGUE) {
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
      expect(
        samplesOf(text).some((line) => new RegExp(`^${name}[{ ]`).test(line)),
        name,
      ).toBe(true);
      expect(name).toMatch(/^ringmaster_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).toMatch(/\.$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
    for (const lag of ['nodejs_eventloop_lag_seconds', 'process_cpu_user_seconds_total'])
      expect(text).toContain(lag);
  });
});

describe('the documents', () => {
  it('docs/metrics.md lists the catalogue', () => {
    const text = readFileSync(new URL('metrics.md', DOCS), 'utf8');
    const rows = text.split('\n').filter((line) => line.startsWith('| `ringmaster_'));
    const cells = rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    const expected = CATALOGUE.map(({ name, type, labels = [], help }) => [
      ...[`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help],
    ]);
    expect(cells).toEqual(expected);
  });

  it('docs/alerts.yaml is a file of Prometheus rules about metrics that there are', () => {
    const file = parse(readFileSync(new URL('alerts.yaml', DOCS), 'utf8')) as {
      groups: { name: string; rules: Record<string, unknown>[] }[];
    };
    const names = [...CATALOGUE.map(({ name }) => name), 'nodejs_eventloop_lag_p99_seconds', 'up'];
    const rules = file.groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const rule of rules) {
      expect(Object.keys(rule).sort()).toEqual(['alert', 'annotations', 'expr', 'for', 'labels']);
      const { alert, expr, annotations } = rule as {
        alert: string;
        expr: string;
        annotations: Record<string, string>;
      };
      expect(Object.keys(annotations).sort()).toEqual(['description', 'summary']);
      const used = expr.match(/\b(ringmaster_[a-z_]+|nodejs_[a-z0-9_]+|up)\b(?=[{[ )]|$)/gm) ?? [];
      expect(used.length, alert).toBeGreaterThan(0);
      for (const name of used) expect(names).toContain(name);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});
