import { libc, openSocket, SystemError, WORD_BYTES } from './libc/index.js';
import {
  AF_PACKET,
  ENODEV,
  PACKET_ADD_MEMBERSHIP,
  PACKET_DROP_MEMBERSHIP,
  PACKET_MR_MULTICAST,
  PACKET_MR_UNICAST,
  SO_ATTACH_FILTER,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from './libc/constants.js';
import { NativeMemory } from './libc/nativeMemory.js';
import { bindSocket, setOption } from './libc/socket.js';
import type { BpfProgram } from './capture/bpf.js';

/**
 * Opens an `AF_PACKET` socket that receives nothing yet (protocol 0): it is set up first and bound afterwards, so that
 * no frame slips in before the filter. Throws {@link SystemError} (`EPERM` without CAP_NET_RAW).
 */
export function openPacketSocket(doing: string): number {
  return openSocket(AF_PACKET, SOCK_RAW, 0, doing);
}

/** Index of a network interface. Throws {@link SystemError} `ENODEV`. */
export function interfaceIndex(name: string, doing: string): number {
  const index = libc().if_nametoindex(name);
  if (index === 0) throw new SystemError(ENODEV, { syscall: `if_nametoindex(${name})`, doing });
  return index;
}

/**
 * Binds to one interface. Frames of `protocol` (an ethertype, or ETH_P_ALL) are received from now on; with protocol 0
 * none, which is what a sending socket wants.
 */
export function bindPacketSocket(fd: number, index: number, protocol: number, doing: string): void {
  const address = new Uint8Array(20); // struct sockaddr_ll
  const view = new DataView(address.buffer);
  new Uint16Array(address.buffer, 0, 1)[0] = AF_PACKET;
  view.setUint16(2, protocol); // network byte order
  new Int32Array(address.buffer, 4, 1)[0] = index;
  bindSocket(fd, address, doing);
}

/** Puts a filter in force, in place of the one before. What was received before it stays received. */
export function attachFilter(fd: number, program: BpfProgram, doing: string): void {
  attachProgram(fd, program, {
    level: SOL_SOCKET,
    option: SO_ATTACH_FILTER,
    name: 'SO_ATTACH_FILTER',
    doing,
  });
}

/** Gives the kernel a classic BPF program by a socket option that takes a `struct sock_fprog`. */
export function attachProgram(
  fd: number,
  program: BpfProgram,
  { level, option, name, doing }: { level: number; option: number; name: string; doing: string },
): void {
  const code = NativeMemory.allocate(program.code.length);
  try {
    code.bytes.set(program.code);
    const descriptor = new Uint8Array(2 * WORD_BYTES); // struct sock_fprog: u16 count, pointer to the code
    new Uint16Array(descriptor.buffer, 0, 1)[0] = program.count;
    const pointer = new Uint32Array(descriptor.buffer, WORD_BYTES, WORD_BYTES / 4);
    pointer[0] = code.addressLow;
    if (pointer.length === 2) pointer[1] = code.addressHigh;
    setOption(fd, level, option, descriptor, { name, doing });
  } finally {
    code.unmap();
  }
}

/**
 * Makes the card let frames to one more MAC through (or no longer), unicast or multicast. The kernel counts: every
 * addition needs its removal, and closing the socket removes them all.
 */
export function changeMembership(
  fd: number,
  index: number,
  mac: Uint8Array,
  change: 'add' | 'drop',
  doing: string,
): void {
  const request = new Uint8Array(16); // struct packet_mreq
  new Int32Array(request.buffer, 0, 1)[0] = index;
  const isGroup = (mac[0] & 1) === 1;
  new Uint16Array(request.buffer, 4, 2).set([isGroup ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST, mac.length]);
  request.set(mac, 8);
  const option = change === 'add' ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP;
  const name = change === 'add' ? 'PACKET_ADD_MEMBERSHIP' : 'PACKET_DROP_MEMBERSHIP';
  setOption(fd, SOL_PACKET, option, request, { name, doing });
}
