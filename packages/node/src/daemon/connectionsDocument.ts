import type { ConnectionRow } from '@ringmaster/dispatch';
import { formatIpv4 } from 'libnetraw/wire';
import type { ConnectionsDocument, ConnectionStatus } from '../control/index.js';
import { endpointName, protocolName, STATE_NAMES } from './connectionNames.js';

/** What `GET /connections` answers. */
export function connectionsDocument(rows: readonly ConnectionRow[], total: number): ConnectionsDocument {
  return { total, connections: rows.map(describeRow) };
}

function describeRow(row: ConnectionRow): ConnectionStatus {
  return {
    client: endpointName(row.clientAddress, row.clientPort),
    cluster: endpointName(row.clusterAddress, row.port),
    protocol: protocolName(row.protocol),
    server: formatIpv4(row.serverAddress),
    state: STATE_NAMES[row.state],
    idleMs: row.idleMs,
  };
}
