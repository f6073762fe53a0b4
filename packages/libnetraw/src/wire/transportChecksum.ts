import { writeU16 } from './bytes.js';
import { internetChecksum, pseudoHeaderSum4, udpChecksumOnWire } from './checksum.js';
import { IpProtocol } from './ipv4.js';
import { TcpAt } from './tcp.js';
import { UdpAt } from './udp.js';

/**
 * Works out and writes the full checksum of a TCP or UDP segment over IPv4: `length` bytes at `offset`, header and
 * payload in place. `protocol` is 6 or 17.
 */
export function fillTransportChecksum4(
  memory: Uint8Array,
  offset: number,
  length: number,
  source: number,
  destination: number,
  protocol: number,
): void {
  const udp = protocol === IpProtocol.udp;
  const at = offset + (udp ? UdpAt.checksum : TcpAt.checksum);
  writeU16(memory, at, 0);
  const initial = pseudoHeaderSum4(source, destination, protocol, length);
  const checksum = internetChecksum(memory, offset, length, initial);
  writeU16(memory, at, udp ? udpChecksumOnWire(checksum) : checksum);
}
