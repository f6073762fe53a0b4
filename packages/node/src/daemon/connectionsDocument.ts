import type { ConnectionRow } from '@ringmaster/dispatch';
import { formatIpv4, IpProtocol } from 'libnetraw/wire';
import type { ConnectionsDocument, ConnectionStatus } from '../control/index.js';

const STATES = { 'half-open': 'halfOpen', established: 'established', closing: 'closing' } as const;

/** What `GET /connections` answers. */
export function connectionsDocument(rows: readonly ConnectionRow[], total: number): ConnectionsDocument {
  return { total, connections: rows.map(describeRow) };
}

function describeRow(row: ConnectionRow): ConnectionStatus {
  return {
    client: `${formatIpv4(row.clientAddress)}:${row.clientPort}`,
    cluster: `${formatIpv4(row.clusterAddress)}:${row.port}`,
    protocol: row.protocol === IpProtocol.udp ? 'udp' : 'tcp',
    server: formatIpv4(row.serverAddress),
    state: STATES[row.state],
    idleMs: row.idleMs,
  };
}
