import { performance } from 'node:perf_hooks';
import type { HealthConfig } from '../config/index.js';
import { checkCommand } from './commandCheck.js';
import { checkHttp } from './httpCheck.js';
import type { CheckOutcome } from './outcome.js';
import { checkTcp } from './tcpCheck.js';

/** What became of a check, and how long it took. */
export type CheckResult = CheckOutcome & { readonly ms: number };

/** Checks a service once. Never rejects. */
export async function runCheck(config: HealthConfig): Promise<CheckResult> {
  const startMs = performance.now();
  const outcome = await outcomeOf(config);
  return { ...outcome, ms: performance.now() - startMs };
}

function outcomeOf(config: HealthConfig): Promise<CheckOutcome> {
  const { http, tcp, command, timeoutMs } = config;
  if (http !== undefined) return checkHttp({ ...config, url: http });
  if (command !== undefined) return checkCommand(command, timeoutMs);
  return checkTcp(tcp as string, timeoutMs);
}

/** What a check is called in front of people: `http://127.0.0.1:80/`, `tcp 127.0.0.1:25`, `command /usr/bin/check`. */
export function nameOfCheck({ http, tcp, command }: HealthConfig): string {
  if (http !== undefined) return http;
  return command === undefined ? `tcp ${tcp}` : `command ${command.join(' ')}`;
}
