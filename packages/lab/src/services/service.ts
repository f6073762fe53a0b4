import { fileURLToPath } from 'node:url';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';

const PROGRAM = fileURLToPath(new URL('./http.js', import.meta.url));
const START_TIMEOUT_MS = 15_000;

/** Starts the HTTP service (see `http.ts`) on a host and waits until it listens on 0.0.0.0:`port`. */
export async function startHttpService(host: Host, port = 80): Promise<LabProcess> {
  const service = host.spawn(process.execPath, [PROGRAM, host.name, String(port)], { log: 'service.log' });
  await service.waitForLine((line) => line === 'listening', START_TIMEOUT_MS);
  return service;
}
