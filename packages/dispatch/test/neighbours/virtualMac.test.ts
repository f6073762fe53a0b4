import { formatIpv4, formatMac } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { announcementFrames, Counter, Verdict, virtualMacOf } from '../../src/index.js';
import { address, CLUSTER, createDispatcher, VIRTUAL_MAC } from '../world.js';

describe('the virtual MAC', () => {
  it('is 02:52:4d and the low 24 bits of the cluster address', () => {
    expect(formatMac(virtualMacOf(address('10.0.0.100')))).toBe('02:52:4d:00:00:64');
    expect(formatMac(virtualMacOf(address('192.168.255.254')))).toBe('02:52:4d:a8:ff:fe');
  });

  it('is announced as request and as reply, and a dispatcher is not moved by either', () => {
    const dispatcher = createDispatcher();
    const frames = announcementFrames(CLUSTER, VIRTUAL_MAC);
    expect(frames.map((frame) => frame[21])).toEqual([1, 2]);
    for (const frame of frames) {
      expect(formatMac(frame)).toBe('ff:ff:ff:ff:ff:ff');
      expect(formatMac(frame, 6)).toBe(formatMac(VIRTUAL_MAC));
      expect(formatMac(frame, 22)).toBe(formatMac(VIRTUAL_MAC));
      expect(formatIpv4(new DataView(frame.buffer).getUint32(28))).toBe('10.0.0.100');
      expect(formatIpv4(new DataView(frame.buffer).getUint32(38))).toBe('10.0.0.100');
      expect(dispatcher.process(frame, 0, frame.length, 0)).toBe(Verdict.ignore);
    }
    expect(dispatcher.counters[Counter.arpConflict]).toBe(0);
  });
});
