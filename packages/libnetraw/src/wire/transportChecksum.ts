import { writeU16 } from './bytes.js';
import { internetChecksum, pseudoHeaderSum4, pseudoHeaderSum6, udpChecksumOnWire } from './checksum.js';
import { IPV6_ADDRESS_BYTES } from './ipAddress.js';
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
  fill(memory, offset, length, protocol, pseudoHeaderSum4(source, destination, protocol, length));
}

/** The same over IPv6: the source address stands at `addressesOffset`, the destination address right after it. */
export function fillTransportChecksum6(
  memory: Uint8Array,
  offset: number,
  length: number,
  addressesOffset: number,
  protocol: number,
): void {
  const destinationOffset = addressesOffset + IPV6_ADDRESS_BYTES;
  const sum = pseudoHeaderSum6(memory, addressesOffset, destinationOffset, protocol, length);
  fill(memory, offset, length, protocol, sum);
}

function fill(
  memory: Uint8Array,
  offset: number,
  length: number,
  protocol: number,
  pseudoHeaderSum: number,
): void {
  const udp = protocol === IpProtocol.udp;
  const at = offset + (udp ? UdpAt.checksum : TcpAt.checksum);
  writeU16(memory, at, 0);
  const checksum = internetChecksum(memory, offset, length, pseudoHeaderSum);
  writeU16(memory, at, udp ? udpChecksumOnWire(checksum) : checksum);
}
