import { describe, expect, it, vi } from 'vitest';
import { createNotifier, systemdNotifier, watchdogIntervalMs } from '../src/service/notify.js';

const told = (): { lines: string[]; send: (datagram: Uint8Array) => void } => {
  const lines: string[] = [];
  return { lines, send: (datagram) => void lines.push(new TextDecoder().decode(datagram)) };
};

describe('what systemd is told', () => {
  it('is what sd_notify(3) says', () => {
    const { lines, send } = told();
    const notifier = createNotifier({ send, watchdogMs: undefined, monotonicUs: () => 1234n });
    notifier.ready();
    notifier.reloading();
    notifier.status('two\nlines   of text');
    notifier.stopping();
    notifier.close();
    expect(lines).toEqual([
      'READY=1',
      'RELOADING=1\nMONOTONIC_USEC=1234',
      'STATUS=two lines of text',
      'STOPPING=1',
    ]);
  });

  it('is lost without harm when systemd does not listen', () => {
    const send = () => {
      throw new Error('ECONNREFUSED');
    };
    const notifier = createNotifier({ send, watchdogMs: undefined, monotonicUs: () => 0n });
    expect(() => notifier.ready()).not.toThrow();
  });

  it('has a heartbeat for as long as the event loop turns', () => {
    vi.useFakeTimers();
    try {
      const { lines, send } = told();
      const notifier = createNotifier({ send, watchdogMs: 5000, monotonicUs: () => 0n });
      vi.advanceTimersByTime(15_000);
      expect(lines).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
      notifier.close();
      vi.advanceTimersByTime(15_000);
      expect(lines).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the watchdog', () => {
  it.each([
    [{}, undefined],
    [{ WATCHDOG_USEC: '10000000' }, 5000],
    [{ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '42' }, 5000],
    [{ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '43' }, undefined],
    [{ WATCHDOG_USEC: '1' }, 1],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: '-5' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
  ])('of %j is told every %s ms', (environment, expected) => {
    expect(watchdogIntervalMs(environment, 42)).toBe(expected);
  });
});

describe('the environment', () => {
  it.each([undefined, '', '/', 'relative', 'vsock:2:1234'])(
    'with the socket %j: nothing is told',
    (socket) => {
      const open = vi.fn();
      systemdNotifier({ NOTIFY_SOCKET: socket }, open).ready();
      expect(open).not.toHaveBeenCalled();
    },
  );

  it('is not handed on to commands that the node runs', () => {
    const environment = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '1000000', PATH: '/bin' };
    const { lines, send } = told();
    const notifier = systemdNotifier(environment, () => send);
    notifier.ready();
    notifier.close();
    expect(environment).toEqual({ PATH: '/bin' });
    expect(lines).toEqual(['READY=1']);
  });
});
