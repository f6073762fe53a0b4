import type { ConnectionRow } from '@ringmaster/dispatch';
import { formatIp, formatIpv4, type IpAddress, IpProtocol } from 'libnetraw/wire';
import type { ConnectionsDocument, ConnectionStatus } from '../control/index.js';

const STATES = { 'half-open': 'halfOpen', established: 'established', closing: 'closing' } as const;

/** What `GET /connections` answers. */
export function connectionsDocument(rows: readonly ConnectionRow[], total: number): ConnectionsDocument {
  return { total, connections: rows.map(describeRow) };
}

function describeRow(row: ConnectionRow): ConnectionStatus {
  return {
    client: endpoint(row.clientAddress, row.clientPort),
    cluster: endpoint(row.clusterAddress, row.port),
    protocol: row.protocol === IpProtocol.udp ? 'udp' : 'tcp',
    server: formatIpv4(row.serverAddress),
    state: STATES[row.state],
    idleMs: row.idleMs,
  };
}

function endpoint(address: IpAddress, port: number): string {
  return typeof address === 'number' ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}
