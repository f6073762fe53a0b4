import assert from 'node:assert/strict';
import { lastErrno, libc, viewMemory } from './bindings.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ_WRITE,
} from './constants.js';
import { SystemError } from './systemError.js';

/** What `mmap` returns on failure: `(void *) -1`. */
const MAP_FAILED = [0xffff_ffff_ffff_ffffn, 0xffff_ffffn];

/**
 * Memory that never moves, so that the kernel may be told its address: a packet ring, or the tables of a batched send.
 * JavaScript's own buffers are not fit for that, because the garbage collector moves the small ones.
 */
export class NativeMemory {
  /** The memory as bytes. After {@link release} it reads as zeros: a view that somebody kept cannot crash the process. */
  readonly bytes: Uint8Array;
  readonly address: bigint;
  readonly sizeBytes: number;
  /** The address as two 32-bit halves, for writing pointers into C structures without a BigInt per packet. */
  readonly addressLow: number;
  readonly addressHigh: number;
  #released = false;

  private constructor(address: bigint, sizeBytes: number) {
    this.address = address;
    this.sizeBytes = sizeBytes;
    this.addressLow = Number(address & 0xffff_ffffn);
    this.addressHigh = Number(address >> 32n);
    this.bytes = viewMemory(address, sizeBytes);
  }

  /** Fresh zeroed memory. Throws {@link SystemError} (`ENOMEM`). */
  static allocate(sizeBytes: number): NativeMemory {
    assert(sizeBytes > 0, 'memory has a size');
    return new NativeMemory(map(null, sizeBytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), sizeBytes);
  }

  /** The memory that the kernel shares through a file descriptor, e.g. the ring of a packet socket. */
  static share(fd: number, sizeBytes: number): NativeMemory {
    return new NativeMemory(map(null, sizeBytes, MAP_SHARED, fd), sizeBytes);
  }

  /**
   * Gives the memory back. The address range stays reserved and reads as zeros, at the price of address space only:
   * views over it cannot be taken away from whoever holds one, and a hole there would be a crash.
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    map(this.address, this.sizeBytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1);
  }

  /** Gives memory and addresses back. Only for memory whose `bytes` nobody else has ever seen. */
  unmap(): void {
    if (this.#released) return;
    this.#released = true;
    libc().munmap(this.address, this.sizeBytes);
  }
}

function map(at: bigint | null, sizeBytes: number, flags: number, fd: number): bigint {
  const address = libc().mmap(at, sizeBytes, PROT_READ_WRITE, flags, fd, 0);
  if (MAP_FAILED.includes(address)) {
    throw new SystemError(lastErrno(), { syscall: 'mmap', doing: `mapping ${sizeBytes} bytes of memory` });
  }
  return address;
}
