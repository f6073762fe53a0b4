import koffi from 'koffi';

/** What may be passed where C wants a pointer: a mapped address, bytes of ours, or NULL. */
export type Pointer = bigint | Uint8Array | null;

/**
 * The functions of libc that this package uses, named and ordered as in their manual pages. All of them block their own
 * thread only, report failure as C does, and leave the reason in {@link lastErrno}.
 *
 * Bytes passed as `Uint8Array` are only pinned for the length of the call: what the kernel keeps a pointer to must live
 * in mapped memory (see `nativeMemory.ts`).
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Pointer, lengthBytes: number): number;
  setsockopt(fd: number, level: number, option: number, value: Pointer, lengthBytes: number): number;
  getsockopt(fd: number, level: number, option: number, value: Pointer, length: Pointer): number;
  sendto(
    fd: number,
    bytes: Pointer,
    length: number,
    flags: number,
    address: Pointer,
    addressBytes: number,
  ): number;
  recv(fd: number, bytes: Pointer, lengthBytes: number, flags: number): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
  poll(fds: Pointer, count: number, timeoutMs: number): number;
  read(fd: number, bytes: Pointer, lengthBytes: number): number;
  write(fd: number, bytes: Pointer, lengthBytes: number): number;
  close(fd: number): number;
  eventfd(initial: number, flags: number): number;
  /** Only for requests whose argument is a pointer. */
  ioctl(fd: number, request: number, argument: Pointer): number;
  mmap(
    address: Pointer,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): bigint;
  munmap(address: Pointer, lengthBytes: number): number;
  if_nametoindex(name: string): number;
  inet_pton(family: number, text: string, bytes: Pointer): number;
  inet_ntop(family: number, bytes: Pointer, text: Pointer, sizeBytes: number): bigint | null;
}

/** C signature of every function of {@link Libc}: result first. */
const SIGNATURES: Readonly<Record<keyof Libc, readonly [string, ...string[]]>> = {
  socket: ['int', 'int', 'int', 'int'],
  bind: ['int', 'int', 'void *', 'uint'],
  setsockopt: ['int', 'int', 'int', 'int', 'void *', 'uint'],
  getsockopt: ['int', 'int', 'int', 'int', 'void *', 'void *'],
  sendto: ['long', 'int', 'void *', 'size_t', 'int', 'void *', 'uint'],
  recv: ['long', 'int', 'void *', 'size_t', 'int'],
  sendmmsg: ['int', 'int', 'void *', 'uint', 'int'],
  poll: ['int', 'void *', 'ulong', 'int'],
  read: ['long', 'int', 'void *', 'size_t'],
  write: ['long', 'int', 'void *', 'size_t'],
  close: ['int', 'int'],
  eventfd: ['int', 'uint', 'int'],
  ioctl: ['int', 'int', 'ulong', 'void *'],
  mmap: ['void *', 'void *', 'size_t', 'int', 'int', 'int', 'long'],
  munmap: ['int', 'void *', 'size_t'],
  if_nametoindex: ['uint', 'str'],
  inet_pton: ['int', 'int', 'str', 'void *'],
  inet_ntop: ['void *', 'int', 'void *', 'void *', 'uint'],
};

let bound: Libc | undefined;

/** libc, bound at the first call, so that importing this package works on systems where using it would not. */
export function libc(): Libc {
  bound ??= bindLibc();
  return bound;
}

function bindLibc(): Libc {
  if (process.platform !== 'linux') {
    throw new Error(`libnetraw works on Linux only, and this is ${process.platform}`);
  }
  const library = koffi.load(null);
  const functions = Object.entries(SIGNATURES).map(([name, [result, ...parameters]]) => [
    name,
    library.func(name, result, parameters),
  ]);
  return Object.fromEntries(functions) as Libc;
}

/** errno of the last libc call of this thread. */
export function lastErrno(): number {
  return koffi.errno();
}

/** Bytes of a C pointer, of `size_t` and of `long`: 8, or 4 on 32-bit machines. */
export const WORD_BYTES: number = koffi.sizeof('void *');

/** Sees `lengthBytes` of mapped memory at `address`, without a copy. The memory must stay mapped as long as the view lives. */
export function viewMemory(address: bigint, lengthBytes: number): Uint8Array {
  return new Uint8Array(koffi.view(address, lengthBytes));
}
