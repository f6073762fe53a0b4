import { IpSocket } from 'libnetraw';
import { formatIp, IPV4_HEADER_BYTES, readU16, readU32 } from 'libnetraw/wire';

/** IP packets out by the host's own routing, which knows or asks for the next hop. */
export interface IpOutput {
  /** `raw-socket`, the native package, or `libnetraw`, when that could not be built on this machine. */
  readonly name: 'raw-socket' | 'libnetraw';
  /** Sends a packet, IP header first. `done` says whether the kernel took it, at once or a little later. */
  send(packet: Uint8Array, done: (wasSent: boolean) => void): void;
  close(): void;
}

/** What is used of https://www.npmjs.com/package/raw-socket, which has no types. */
export interface RawSocketModule {
  createSocket(options: { protocol: number; addressFamily: number }): RawSocket;
  readonly AddressFamily: { readonly IPv4: number; readonly IPv6: number };
}

interface RawSocket {
  send(
    packet: Buffer,
    offset: number,
    length: number,
    address: string,
    done: (error: Error | null) => void,
  ): void;
  pauseRecv(): void;
  on(event: 'error', listener: (error: Error) => void): void;
  close(): void;
}

/** IPPROTO_RAW: the packet brings its own header, in IPv6 as well, and nothing is ever received. */
const IPPROTO_RAW = 255;
const IPV6_HEADER_BYTES = 40;

/**
 * Loads the package, or takes our own socket where it is missing. Opens no socket yet, so it needs no right.
 * @param load gives the package, or undefined
 */
export async function openIpOutput(
  load: () => Promise<RawSocketModule | undefined> = importRawSocket,
): Promise<IpOutput> {
  const module = await load();
  return module === undefined ? new OwnOutput() : new PackageOutput(module);
}

async function importRawSocket(): Promise<RawSocketModule | undefined> {
  try {
    // An optional dependency: it needs a compiler, and nothing but L4/3 needs it.
    const name = 'raw-socket';
    return ((await import(name)) as { default: RawSocketModule }).default;
  } catch {
    return undefined;
  }
}

/** Splits packets that stand one after the other. What is no IP packet, or cut off, ends it. */
export function splitPackets(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let at = 0;
  while (at + IPV4_HEADER_BYTES <= bytes.length) {
    const length = packetBytes(bytes, at);
    if (length < IPV4_HEADER_BYTES || at + length > bytes.length) break;
    packets.push(bytes.subarray(at, at + length));
    at += length;
  }
  return packets;
}

/** Bytes of the packet at `at` as its header says, or 0. */
function packetBytes(bytes: Uint8Array, at: number): number {
  const version = bytes[at] >>> 4;
  if (version === 4) return readU16(bytes, at + 2);
  return version === 6 ? IPV6_HEADER_BYTES + readU16(bytes, at + 4) : 0;
}

function familyOf(packet: Uint8Array): 4 | 6 {
  return packet[0] >>> 4 === 4 ? 4 : 6;
}

/** The sockets of both families, opened when they are first wanted: a host may have no IPv6. */
class Sockets<S extends { close(): void }> {
  private readonly open: (family: 4 | 6) => S;
  private readonly byFamily = new Map<4 | 6, S>();

  constructor(open: (family: 4 | 6) => S) {
    this.open = open;
  }

  of(family: 4 | 6): S {
    let socket = this.byFamily.get(family);
    if (socket === undefined) this.byFamily.set(family, (socket = this.open(family)));
    return socket;
  }

  forget(family: 4 | 6): void {
    this.byFamily.delete(family);
  }

  close(): void {
    for (const socket of this.byFamily.values()) socket.close();
    this.byFamily.clear();
  }
}

class PackageOutput implements IpOutput {
  readonly name = 'raw-socket';
  private readonly sockets: Sockets<RawSocket>;

  constructor(module: RawSocketModule) {
    this.sockets = new Sockets((family) => {
      const { IPv4, IPv6 } = module.AddressFamily;
      const addressFamily = family === 4 ? IPv4 : IPv6;
      const socket = module.createSocket({ protocol: IPPROTO_RAW, addressFamily });
      socket.pauseRecv();
      // The package closes a socket that has failed; the next packet opens another.
      socket.on('error', () => this.sockets.forget(family));
      return socket;
    });
  }

  send(packet: Uint8Array, done: (wasSent: boolean) => void): void {
    const buffer = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
    const family = familyOf(packet);
    const destination = family === 4 ? readU32(packet, 16) : packet.subarray(24, IPV6_HEADER_BYTES);
    try {
      const socket = this.sockets.of(family);
      socket.send(buffer, 0, buffer.length, formatIp(destination), (error) => done(error === null));
    } catch {
      done(false); // no right to open it, or no such protocol family
    }
  }

  close(): void {
    this.sockets.close();
  }
}

class OwnOutput implements IpOutput {
  readonly name = 'libnetraw';
  private readonly sockets = new Sockets((family) => IpSocket.open(family));

  send(packet: Uint8Array, done: (wasSent: boolean) => void): void {
    try {
      this.sockets.of(familyOf(packet)).send(packet);
    } catch {
      return done(false); // too large, no route, or no right
    }
    done(true);
  }

  close(): void {
    this.sockets.close();
  }
}
