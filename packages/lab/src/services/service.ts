import { fileURLToPath } from 'node:url';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';

const programOf = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
const START_TIMEOUT_MS = 15_000;

/**
 * Starts the HTTP service (see `http.ts`) on a host and waits until it listens on `port` of `address`: 0.0.0.0 unless told,
 * and `::` is every address of both families.
 */
export async function startHttpService(host: Host, port = 80, address = '0.0.0.0'): Promise<LabProcess> {
  const args = [programOf('http'), host.name, String(port), address];
  const service = host.spawn(process.execPath, args, { log: 'service.log' });
  await service.waitForLine((line) => line === 'listening', START_TIMEOUT_MS);
  return service;
}

/** Starts the service that sends everything back (see `bulk.ts`) and waits until it listens on all of the addresses. */
export async function startBulkService(
  host: Host,
  port: number,
  addresses: readonly string[],
): Promise<LabProcess> {
  const args = [programOf('bulk'), host.name, String(port), ...addresses];
  const service = host.spawn(process.execPath, args, { log: 'bulk.log' });
  await service.waitForLine((line) => line === 'listening', START_TIMEOUT_MS);
  return service;
}
