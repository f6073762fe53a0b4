/** How connections are written in documents. */
import type { ConnectionRow } from '@ringmaster/dispatch';
import { formatIp, type IpAddress, IpProtocol } from 'libnetraw/wire';

export const STATE_NAMES = {
  'half-open': 'halfOpen',
  established: 'established',
  closing: 'closing',
} as const satisfies Record<ConnectionRow['state'], string>;

/** `10.9.0.2:40000`, `[2001:db8::2]:40000` */
export function endpointName(address: IpAddress, port: number): string {
  return typeof address === 'number' ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}

/** @param protocol 6 or 17 */
export function protocolName(protocol: number): 'tcp' | 'udp' {
  return protocol === IpProtocol.udp ? 'udp' : 'tcp';
}
