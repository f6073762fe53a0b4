import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { passiveOpens } from '../../src/inventory/ownLoad.js';
import { Loads, reportIntervalMs } from '../../src/load/loads.js';
import { LoadReporting } from '../../src/load/reporting.js';
import type { LoadReport } from '../../src/messages/nodeMessage.js';

const report = (connections: number): LoadReport => ({
  kind: 'load',
  connections,
  newPerSecond: 0,
  acceptQueue: 0,
  acceptQueueLimit: 128,
  responseMs: undefined,
  deadlineInMs: undefined,
});

describe('loads', () => {
  it('are the newest of each host, until they are stale', () => {
    const loads = new Loads();
    loads.note(1, report(10), 0);
    loads.note(1, report(11), 1000);
    expect(loads.of(1, 4, 5900)).toEqual({ report: report(11), ageMs: 4900 });
    expect(loads.of(1, 4, 6001)).toBeUndefined();
    expect(loads.of(2, 4, 0)).toBeUndefined();
  });

  it('are told less often in a large ring, and kept for longer', () => {
    expect([1, 16, 50, 100, 254].map(reportIntervalMs)).toEqual([1000, 1000, 1000, 2000, 5080]);
    const loads = new Loads();
    loads.note(1, report(1), 0);
    expect([loads.of(1, 16, 20_000), loads.of(1, 254, 20_000)?.ageMs]).toEqual([undefined, 20_000]);
  });

  it('are bounded', () => {
    const loads = new Loads();
    for (let host = 0; host < 10_000; host++) loads.note(host, report(host), 0);
    const kept = Array.from({ length: 10_000 }, (_, host) => loads.of(host, 4, 0)).filter(Boolean);
    expect(kept).toHaveLength(512);
    expect(loads.of(9999, 4, 0)).toBeDefined();
  });
});

describe('reporting', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function reporter(measureMs: () => number) {
    const sent: LoadReport[] = [];
    const failures: string[] = [];
    let accepted = 1000;
    const reporting = new LoadReporting({
      measure: async () => {
        await new Promise((resolve) => setTimeout(resolve, measureMs()));
        accepted += 50;
        if (accepted > 1400) throw new Error('netlink');
        return { connections: 7, acceptQueue: 1, acceptQueueLimit: 128, accepted };
      },
      responseMs: () => 2.5,
      deadlineInMs: () => 300,
      send: (told) => sent.push(told),
      intervalMs: () => 1000,
      onFailure: (why) => failures.push(why),
      nowMs: () => Date.now(),
    });
    return { reporting, sent, failures };
  }

  it('tells the load again and again, with the rate of what was accepted in between', async () => {
    const { reporting, sent } = reporter(() => 0);
    reporting.start();
    await vi.advanceTimersByTimeAsync(2500);
    reporting.close();
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent.map(({ newPerSecond }) => Math.round(newPerSecond))).toEqual([0, 50, 50]);
    expect(sent[0]).toMatchObject({ connections: 7, acceptQueue: 1, responseMs: 2.5, deadlineInMs: 300 });
  });

  it('rests for twenty times as long as it measured', async () => {
    const { reporting, sent } = reporter(() => 500);
    reporting.start();
    await vi.advanceTimersByTimeAsync(10_400);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(700);
    expect(sent).toHaveLength(2);
    reporting.close();
  });

  it('tells at once what has changed, after the measurement that is under way', async () => {
    const { reporting, sent } = reporter(() => 10);
    reporting.reportNow();
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toHaveLength(0);
    reporting.start();
    reporting.reportNow();
    await vi.advanceTimersByTimeAsync(25);
    expect(sent).toHaveLength(2);
    reporting.reportNow();
    await vi.advanceTimersByTimeAsync(15);
    expect(sent).toHaveLength(3);
    reporting.close();
  });

  it('says once that it cannot measure, and goes on trying', async () => {
    const { reporting, sent, failures } = reporter(() => 0);
    reporting.start();
    await vi.advanceTimersByTimeAsync(20_000);
    reporting.close();
    expect(sent).toHaveLength(8);
    expect(failures).toEqual(['netlink']);
  });
});

it('what was accepted stands in /proc/net/snmp', () => {
  expect(passiveOpens('Ip: a b\nIp: 1 2\nTcp: ActiveOpens PassiveOpens\nTcp: 5 77\nUdp: x\n')).toBe(77);
  expect(passiveOpens('Tcp: ActiveOpens\nTcp: 5\n')).toBe(0);
  expect(passiveOpens('')).toBe(0);
});
