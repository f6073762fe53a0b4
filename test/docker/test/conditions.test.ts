/** What scenarios are judged by, over made-up runs: each condition must be able to fail. */
import { describe, expect, it } from 'vitest';
import {
  allAreHeld,
  noFailedRequest,
  noneLostOnSurvivors,
  nothingOf,
  servedInTheEnd,
} from '../dist/holds.js';
import { picture } from '../dist/report/picture.js';
import type { Condition, Outcome } from '../dist/scenario.js';
import { scenarios } from '../dist/scenarios/index.js';
import { longestGap } from '../dist/timeline.js';

const request = (start: number, served = true) => ({
  event: 'request' as const,
  start,
  end: start + 5,
  ...(served ? { server: 'a' } : { error: 'timeout' }),
});
const fate = (server: string, lost = 0, unanswered = 0) => {
  return { server, held: 250, lost, unanswered, longestSilenceMs: 0 };
};

/** A run in which all went well, but for `change`. */
function outcome(
  change: Partial<Outcome> & { harmed?: string[]; notes?: [string, unknown][] } = {},
): Outcome {
  const stage = { harmed: new Set(change.harmed), notes: new Map(change.notes) };
  const requests = Array.from({ length: 300 }, (_, index) => request(index * 10));
  const fates = [fate('a'), fate('b')];
  return { requests, fates, firstFaultAt: 1000, endAt: 3000, ...change, stage: stage as never };
}

const judge = ({ check }: Condition, ...change: Parameters<typeof outcome>) => check(outcome(...change));

describe('conditions of scenarios', () => {
  it('a connection that is lost on a server that was spared', () => {
    expect(judge(noneLostOnSurvivors).ok).toBe(true);
    const fates = [fate('a'), fate('b', 3, 1)];
    expect(judge(noneLostOnSurvivors, { fates, harmed: ['b'] }).ok).toBe(true);
    expect(judge(noneLostOnSurvivors, { fates })).toEqual({
      ok: false,
      found: '3 of 500 lost: 2 reset or closed, 1 not answered',
    });
    expect(judge(noneLostOnSurvivors, { harmed: ['a', 'b'] }).ok).toBe(false);
  });

  it('fewer connections than were to be open, or some that no server has', () => {
    expect(judge(allAreHeld).ok).toBe(true);
    expect(judge(allAreHeld, { fates: [fate('a')] }).ok).toBe(false);
    expect(judge(allAreHeld, { fates: [fate('a'), fate('unknown')] }).ok).toBe(false);
  });

  it('a request that fails after the fault, and none at all', () => {
    expect(judge(noFailedRequest).ok).toBe(true);
    expect(judge(noFailedRequest, { requests: [request(10, false), request(2000)] }).ok).toBe(true);
    expect(judge(noFailedRequest, { requests: [request(1500, false)] })).toEqual({
      ok: false,
      found: '1 of 1 failed: timeout',
    });
    expect(judge(noFailedRequest, { requests: [] }).ok).toBe(false);
  });

  it('a request of the last second that fails, and a last second without any', () => {
    expect(judge(servedInTheEnd).ok).toBe(true);
    expect(judge(servedInTheEnd, { requests: [request(1500, false), request(2500)] }).ok).toBe(true);
    expect(judge(servedInTheEnd, { requests: [request(2400), request(2500, false)] }).ok).toBe(false);
    expect(judge(servedInTheEnd, { requests: [request(1500)] }).ok).toBe(false);
  });

  it('a figure that is not 0, or was never measured', () => {
    expect(judge(nothingOf('frames'), { notes: [['frames', 0]] }).ok).toBe(true);
    expect(judge(nothingOf('frames'), { notes: [['frames', 1]] }).ok).toBe(false);
    expect(judge(nothingOf('frames')).found).toBe('not measured');
  });
});

describe('what is shown', () => {
  it('the longest gap lies between two served requests after the fault, or lasts to the end, whatever failed in it', () => {
    const requests = [request(0), request(900), request(1200, false), request(1700), request(1900)];
    expect(longestGap(requests, 500, 2000)).toEqual({ ms: 800, at: 905 });
    expect(longestGap(requests, 1000, 2000)).toEqual({ ms: 705, at: 1000 });
    expect(longestGap(requests, 1000, 5000)).toEqual({ ms: 3095, at: 1905 });
    expect(longestGap([], 1000, 5000)).toEqual({ ms: 4000, at: 1000 });
  });

  it('a picture has a bar for each server and tenth of a second, the faults, and no markup of others', () => {
    const drawn = [{ end: 10, server: '10.0.0.1' }, { end: 20, server: '10.0.0.2' }, { end: 950 }];
    const timeline = [{ at: 500, kind: 'fault' as const, text: 'docker kill <all>' }];
    const figures = { about: 'x', longestGapAt: 20, longestGapMs: 900, drawn, timeline };
    const svg = picture(figures as never);
    expect(svg.match(/<rect /g)).toHaveLength(3 + 1);
    expect(svg).toContain('docker kill &lt;all&gt;');
  });

  it('every scenario has a name of its own, steps and conditions', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
    for (const { steps, holds } of scenarios) expect(Math.min(steps.length, holds.length)).toBeGreaterThan(0);
  });
});
