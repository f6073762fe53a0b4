import { connect } from 'node:net';
import { type CheckedPlace, type CheckOutcome, reasonOf } from './outcome.js';

/** A service works when it accepts a connection. Never rejects. */
export function checkTcp({ address, port }: CheckedPlace, timeoutMs: number): Promise<CheckOutcome> {
  const target = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.on('connect', () => {
      resolve({ ok: true });
      socket.destroy();
    });
    socket.on('error', (error) => resolve({ ok: false, why: `${target}: ${reasonOf(error, timeoutMs)}` }));
  });
}
