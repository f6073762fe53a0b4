import { describe, expect, it } from 'vitest';
import { createRing } from '../src/index.js';
import { forgetGaps, noteGap, silenceLimitMs } from '../src/protocol/adaptive.js';

function member() {
  const traits = {
    canDispatch: true,
    canServe: true,
    weight: 1,
    services: new Uint8Array(0),
    incarnation: 1,
  };
  const state = createRing({ address: 5, mac: new Uint8Array(6), ...traits });
  forgetGaps(state);
  return state;
}

describe('silence that counts as death (R15)', () => {
  it('is the configured timeout while heartbeats come regularly', () => {
    const state = member();
    for (let i = 0; i < 100; i++) noteGap(state, 48 + (i % 5));
    expect(silenceLimitMs(state)).toBe(250);
  });

  it('grows with pauses, and shrinks again when they are over', () => {
    const state = member();
    for (let i = 0; i < 10; i++) noteGap(state, i % 2 === 0 ? 220 : 50);
    const busy = silenceLimitMs(state);
    expect(busy).toBeGreaterThan(350);
    for (let i = 0; i < 60; i++) noteGap(state, 50);
    expect(silenceLimitMs(state)).toBe(250);
  });

  it('never exceeds four times the configured timeout', () => {
    const state = member();
    for (let i = 0; i < 50; i++) noteGap(state, i % 2 === 0 ? 5000 : 50);
    expect(silenceLimitMs(state)).toBe(1000);
  });

  it('is not fooled by several packets in one interval', () => {
    const state = member();
    for (let i = 0; i < 100; i++) noteGap(state, 1);
    expect(state.gaps).toEqual({ smoothedMs: 50, deviationMs: 0 });
  });
});
