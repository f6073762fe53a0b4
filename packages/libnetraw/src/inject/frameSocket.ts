import { lastErrno, libc, NativeMemory, SystemError } from '../libc/index.js';
import { EAGAIN, MSG_DONTWAIT, MSG_TRUNC } from '../libc/constants.js';
import { retryInterrupted } from '../libc/socket.js';
import {
  attachFilter,
  bindPacketSocket,
  changeMembership,
  interfaceIndex,
  openPacketSocket,
} from '../packetSocket.js';
import type { BpfProgram } from '../capture/bpf.js';

/** Room for one frame of any size but a super-frame's. */
const RECEIVE_BYTES = 16 * 1024;

export interface FrameSocketOptions {
  /** Name of the network interface. */
  readonly interface: string;
  /** What to receive; absent: nothing, the socket only sends. */
  readonly receive?: {
    /** An ethertype such as 0x0806 (ARP); 0x0003 is every one. */
    readonly etherType: number;
    readonly filter?: BpfProgram;
    /** Further MACs, unicast or multicast, that the card is to let through while the socket is open. */
    readonly alsoTo?: readonly Uint8Array[];
  };
}

/** Single frames out and in, for the few that matter one by one: ARP announcements, probes. Not for traffic. */
export class FrameSocket {
  readonly #fd: number;
  readonly #doing: string;
  readonly #buffer = NativeMemory.allocate(RECEIVE_BYTES);
  #closed = false;

  private constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#doing = `sending a frame on ${name}`;
  }

  /** Throws {@link SystemError}: `EPERM` without CAP_NET_RAW, `ENODEV`. */
  static open(options: FrameSocketOptions): FrameSocket {
    const doing = `opening a frame socket on ${options.interface}`;
    const index = interfaceIndex(options.interface, doing);
    const fd = openPacketSocket(doing);
    try {
      if (options.receive?.filter !== undefined) attachFilter(fd, options.receive.filter, doing);
      bindPacketSocket(fd, index, options.receive?.etherType ?? 0, doing);
      for (const mac of options.receive?.alsoTo ?? []) changeMembership(fd, index, mac, 'add', doing);
      return new FrameSocket(fd, options.interface);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  /** Sends one whole frame, Ethernet header first. Throws {@link SystemError}: `ENETDOWN`, `EMSGSIZE`, `ENOBUFS`. */
  send(frame: Uint8Array): void {
    const result = retryInterrupted(() =>
      libc().sendto(this.#fd, frame, frame.length, MSG_DONTWAIT, null, 0),
    );
    if (result < 0) throw new SystemError(-result, { syscall: 'send', doing: this.#doing });
  }

  /** The next frame that arrived, or undefined: does not wait. A frame over 16 KiB is skipped. */
  receive(): Uint8Array | undefined {
    for (;;) {
      const flags = MSG_DONTWAIT | MSG_TRUNC;
      const length = libc().recv(this.#fd, this.#buffer.address, RECEIVE_BYTES, flags);
      if (length < 0) {
        const errno = lastErrno();
        if (errno === EAGAIN) return undefined;
        throw new SystemError(errno, { syscall: 'recv', doing: this.#doing });
      }
      if (length <= RECEIVE_BYTES) return this.#buffer.bytes.slice(0, length);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
    this.#buffer.unmap();
  }
}

/** Sends one frame and forgets the interface again. Who sends more of them keeps a {@link FrameSocket}. */
export function sendFrame(interfaceName: string, frame: Uint8Array): void {
  const socket = FrameSocket.open({ interface: interfaceName });
  try {
    socket.send(frame);
  } finally {
    socket.close();
  }
}
