import { readI32 } from 'libnetraw/wire';

/**
 * What names a connection, as the map compares it. All words are signed 32-bit, so that they never need a place on the
 * heap. One object is filled again and again.
 */
export class ConnectionKey {
  /** The client's address: an IPv4 one, or the first word of an IPv6 one. */
  client0 = 0;
  /** The other words of an IPv6 address; without a meaning in IPv4. */
  client1 = 0;
  client2 = 0;
  client3 = 0;
  /** See {@link keyPorts}. */
  ports = 0;
  /** See {@link keyTag}. */
  tag = 0;

  /** Takes over an IPv4 client, signed or not. The other words stay as they are: a map for IPv4 does not look at them. */
  setClient4(address: number): void {
    this.client0 = address | 0;
  }

  /** Takes over the four words of an IPv6 client. */
  setClient6(word0: number, word1: number, word2: number, word3: number): void {
    this.client0 = word0;
    this.client1 = word1;
    this.client2 = word2;
    this.client3 = word3;
  }

  /** Takes over the IPv6 client whose 16 bytes stand at `offset`. */
  readClient6(memory: Uint8Array, offset: number): void {
    this.client0 = readI32(memory, offset);
    this.client1 = readI32(memory, offset + 4);
    this.client2 = readI32(memory, offset + 8);
    this.client3 = readI32(memory, offset + 12);
  }
}

/** The key word of cluster and protocol. */
export function keyTag(clusterIndex: number, protocol: number): number {
  return (clusterIndex << 24) | (protocol << 16);
}

/** The key word of the two ports. */
export function keyPorts(clientPort: number, port: number): number {
  return (clientPort << 16) | port;
}
