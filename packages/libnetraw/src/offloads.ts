import { libc, NativeMemory, openSocket, retryInterrupted, SystemError, WORD_BYTES } from './libc/index.js';
import { AF_INET, ENODEV, SIOCETHTOOL, SOCK_DGRAM } from './libc/constants.js';

/** Commands of linux/ethtool.h that take one `u32`: get, set, and which of its bits is meant (default: all of them). */
const COMMANDS = {
  rxChecksum: [0x14, 0x15],
  txChecksum: [0x16, 0x17],
  scatterGather: [0x18, 0x19],
  /** Cutting TCP super-frames into packets is left to the card. */
  tcpSegmentation: [0x1e, 0x1f],
  /** The kernel cuts super-frames of any kind just before the card gets them. */
  genericSegmentation: [0x23, 0x24],
  /** Received packets are merged into super-frames. */
  genericReceive: [0x2b, 0x2c],
  /** The card merges received packets, and what was merged cannot be told: nothing for who forwards them. */
  largeReceive: [0x25, 0x26, 1 << 15],
} as const;

type Command = readonly [get: number, set: number, mask?: number];

/** What is left to the network card or done late in the kernel, by the names of this package. */
export type Offload = keyof typeof COMMANDS;

/** The offloads of a network interface, and whether each is on. */
export type Offloads = Readonly<Record<Offload, boolean>>;

const NAMES = Object.keys(COMMANDS) as Offload[];

const IFNAME_BYTES = 16;
/** struct ifreq: the name, then a union of 24 bytes on 64-bit machines, 16 on others; a pointer to the command in it. */
const IFREQ_BYTES = 40;

/** What the kernel says of an interface's offloads. Needs no privilege. Throws {@link SystemError}: `ENODEV`. */
export function readOffloads(interfaceName: string): Offloads {
  return withEthtool(interfaceName, 'reading the offloads of', (call) => {
    const isOn = ([get, , mask = ~0]: Command): boolean => (call(get, 0) & mask) !== 0;
    return Object.fromEntries(NAMES.map((name) => [name, isOn(COMMANDS[name])])) as Offloads;
  });
}

/**
 * Switches offloads of an interface on or off, as `ethtool -K` does; those that are not named stay, but for those that
 * cannot be without another (segmentation wants checksums). Needs CAP_NET_ADMIN.
 *
 * Throws {@link SystemError}: `ENODEV`, `EPERM`, `EOPNOTSUPP` when the card cannot do it.
 */
export function writeOffloads(interfaceName: string, wanted: Partial<Offloads>): void {
  withEthtool(interfaceName, 'switching offloads of', (call) => {
    for (const name of NAMES) {
      const on = wanted[name];
      const [get, set, mask]: Command = COMMANDS[name];
      if (on === undefined) continue;
      if (mask === undefined) call(set, on ? 1 : 0);
      else call(set, on ? call(get, 0) | mask : call(get, 0) & ~mask);
    }
  });
}

/** Runs `action` with a function that issues one ethtool command with one value, and returns the value that came back. */
function withEthtool<T>(
  interfaceName: string,
  verb: string,
  action: (call: (command: number, value: number) => number) => T,
): T {
  const doing = `${verb} ${interfaceName}`;
  const name = new TextEncoder().encode(interfaceName);
  if (name.length >= IFNAME_BYTES) throw new SystemError(ENODEV, { syscall: 'ioctl(SIOCETHTOOL)', doing });
  const fd = openSocket(AF_INET, SOCK_DGRAM, 0, doing);
  const memory = NativeMemory.allocate(IFREQ_BYTES + 8);
  try {
    const { buffer, byteOffset } = memory.bytes;
    const pointer = new Uint32Array(buffer, byteOffset + IFNAME_BYTES, WORD_BYTES / 4);
    const request = new Uint32Array(buffer, byteOffset + IFREQ_BYTES, 2); // struct ethtool_value: command, data
    const at = memory.address + BigInt(IFREQ_BYTES);
    memory.bytes.set(name);
    pointer[0] = Number(at & 0xffff_ffffn);
    if (pointer.length === 2) pointer[1] = Number(at >> 32n);
    return action((command, value) => {
      request[0] = command;
      request[1] = value;
      const result = retryInterrupted(() => libc().ioctl(fd, SIOCETHTOOL, memory.address));
      if (result < 0) throw new SystemError(-result, { syscall: 'ioctl(SIOCETHTOOL)', doing });
      return request[1];
    });
  } finally {
    libc().close(fd);
    memory.unmap();
  }
}
