import { connect } from 'node:net';
import { splitHostPort } from '../config/hostPort.js';
import { type CheckOutcome, reasonOf } from './outcome.js';

/** A service works when it accepts a connection. Never rejects. @param target `127.0.0.1:25`, `[::1]:25` */
export function checkTcp(target: string, timeoutMs: number): Promise<CheckOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ ...splitHostPort(target), signal: AbortSignal.timeout(timeoutMs) });
    socket.on('connect', () => {
      resolve({ ok: true });
      socket.destroy();
    });
    socket.on('error', (error) => resolve({ ok: false, why: `${target}: ${reasonOf(error, timeoutMs)}` }));
  });
}
