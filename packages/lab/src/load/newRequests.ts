import { nowMs } from '../clock.js';
import { tell } from './events.js';
import { request } from './request.js';
import type { Target } from './target.js';

/** Starts a request every `intervalMs`, whatever became of those before, and tells how each ended. For ever. */
export function streamRequests(target: Target, intervalMs: number, timeoutMs: number): void {
  setInterval(() => {
    void request(target, timeoutMs).then(({ client: _client, ...event }) => tell(event));
  }, intervalMs);
}

/** Makes `count` requests, `concurrency` at a time, and tells who served them. */
export async function burst(
  target: Target,
  count: number,
  concurrency: number,
  timeoutMs: number,
): Promise<void> {
  const servers: Record<string, number> = {};
  const clients = new Set<string>();
  let failed = 0;
  let started = 0;
  const work = async () => {
    while (started++ < count) {
      const { server, client } = await request(target, timeoutMs);
      if (server === undefined || client === undefined) {
        failed++;
        continue;
      }
      servers[server] = (servers[server] ?? 0) + 1;
      clients.add(client);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  tell({ event: 'burst', at: nowMs(), servers, clients: [...clients], failed });
}
