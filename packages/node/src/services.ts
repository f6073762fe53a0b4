import type { ClusterConfig } from './config/index.js';
import { ipv4Number } from './host/clusterAddress.js';

/**
 * The services of a node as announcements carry them (R9): per port 4 bytes of cluster address, 2 of port, 1 of protocol
 * (6 tcp, 17 udp, 0 both), as many as fit the announcement. They tell members with different configurations apart.
 */
export const SERVICE_BYTES = 7;
const MAX_SERVICES = 36;
const PROTOCOL_NUMBER = { tcp: 6, udp: 17, all: 0 } as const;

export function encodeServices(clusters: readonly ClusterConfig[]): Uint8Array {
  const services = clusters
    .flatMap(({ address, ports }) => ports.map((service) => ({ address, ...service })))
    .slice(0, MAX_SERVICES);
  const bytes = new Uint8Array(services.length * SERVICE_BYTES);
  const view = new DataView(bytes.buffer);
  services.forEach(({ address, port, protocol }, i) => {
    view.setUint32(i * SERVICE_BYTES, ipv4Number(address));
    view.setUint16(i * SERVICE_BYTES + 4, port);
    view.setUint8(i * SERVICE_BYTES + 6, PROTOCOL_NUMBER[protocol]);
  });
  return bytes;
}
