/** The connection list as text for people. */
import type { ConnectionsDocument } from '@ringmaster/node';
import { table } from './table.js';

/** 850 -> `850 ms`, 61,000 -> `1 min 1 s` */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What `ringmaster connections` prints. */
export function connectionsText({ total, connections }: ConnectionsDocument): string {
  if (connections.length === 0) return 'This node dispatches no connections at the moment.';
  const rows = connections.map(({ client, cluster, protocol, server, state, idleMs }) => {
    return [client, cluster, protocol, server, state, duration(idleMs)];
  });
  const list = table(['CLIENT', 'CLUSTER', 'PROTOCOL', 'SERVER', 'STATE', 'IDLE'], rows);
  const rest = total - connections.length;
  return rest > 0 ? `${list}\n... and ${rest} more; --limit ${total} shows them all` : list;
}
