import { lastErrno, libc, NativeMemory, SystemError } from '../libc/index.js';
import { AF_NETLINK, EINTR, SO_RCVTIMEO, SOCK_RAW, SOL_SOCKET } from '../libc/constants.js';
import { openSocket, retryInterrupted, setOption } from '../libc/socket.js';
import { WORD_BYTES } from '../libc/bindings.js';

/** linux/netlink.h */
export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP_INTR = 0x10;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER_BYTES = 16;

/** The kernel fills dumps up to 32 KiB a message, and never more than the reader's buffer. */
const BUFFER_BYTES = 64 * 1024;
/** The kernel answers at once; silence for so long means that the answer was lost. */
const REPLY_TIMEOUT_S = 2;
/** Bounds a dump: more than ten million sockets. */
const MAX_READS = 1_000_000;
/** How often a dump that changes under the reader's hands is started over. */
const MAX_DUMP_ATTEMPTS = 4;

/**
 * Sees one message of an answer: its type, and where its payload lies in `view`. The bytes are reused for the next
 * message: take out what is wanted.
 */
export type MessageVisitor = (type: number, view: DataView, offset: number, end: number) => void;

/** A request and its answer at a time, over netlink(7). Blocks the calling thread, for microseconds as a rule. */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = NativeMemory.allocate(BUFFER_BYTES);
  readonly #view: DataView;
  readonly #doing: string;
  #sequence = 0;

  /** @param protocol `NETLINK_ROUTE` or `NETLINK_SOCK_DIAG`; `doing` is shown in errors. Throws {@link SystemError}. */
  constructor(protocol: number, doing: string) {
    this.#doing = doing;
    this.#fd = openSocket(AF_NETLINK, SOCK_RAW, protocol, doing);
    this.#view = new DataView(this.#buffer.bytes.buffer);
    const timeout = new Uint8Array(2 * WORD_BYTES); // struct timeval
    timeout[0] = REPLY_TIMEOUT_S;
    setOption(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeout, { name: 'SO_RCVTIMEO', doing });
  }

  /** Asks the kernel to change something. Returns 0, or the positive errno with which it refused. */
  change(type: number, flags: number, payload: Uint8Array): number {
    this.#send(type, flags | NLM_F_ACK, payload);
    return this.#receive(() => {}).errno;
  }

  /**
   * Lists something. `restart` is called before each attempt: a list that changed while it was read is begun anew.
   * @returns the errno with which the kernel refused, and whether the last attempt was undisturbed
   */
  dump(
    type: number,
    payload: Uint8Array,
    visit: MessageVisitor,
    restart: () => void = () => {},
  ): { readonly errno: number; readonly consistent: boolean } {
    for (let attempt = 1; ; attempt++) {
      restart();
      this.#send(type, NLM_F_DUMP, payload);
      const { errno, interrupted } = this.#receive(visit);
      if (errno !== 0 || !interrupted) return { errno, consistent: !interrupted };
      if (attempt === MAX_DUMP_ATTEMPTS) return { errno, consistent: false };
    }
  }

  close(): void {
    libc().close(this.#fd);
    this.#buffer.unmap();
  }

  #send(type: number, flags: number, payload: Uint8Array): void {
    this.#sequence += 1;
    const message = new Uint8Array(HEADER_BYTES + payload.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, message.length, true);
    view.setUint16(4, type, true);
    view.setUint16(6, flags | NLM_F_REQUEST, true);
    view.setUint32(8, this.#sequence, true);
    message.set(payload, HEADER_BYTES);
    const result = retryInterrupted(() => libc().sendto(this.#fd, message, message.length, 0, null, 0));
    if (result < 0) throw new SystemError(-result, { syscall: 'sendto(netlink)', doing: this.#doing });
  }

  #receive(visit: MessageVisitor): { errno: number; interrupted: boolean } {
    let interrupted = false;
    for (let reads = 0; reads < MAX_READS; reads++) {
      const length = libc().recv(this.#fd, this.#buffer.address, BUFFER_BYTES, 0);
      if (length < 0) {
        const errno = lastErrno();
        if (errno === EINTR) continue;
        throw new SystemError(errno, { syscall: 'recv(netlink)', doing: this.#doing });
      }
      for (let at = 0; at + HEADER_BYTES <= length;) {
        const end = at + this.#view.getUint32(at, true);
        if (end < at + HEADER_BYTES || end > length) break;
        if (this.#view.getUint32(at + 8, true) === this.#sequence) {
          const type = this.#view.getUint16(at + 4, true);
          if ((this.#view.getUint16(at + 6, true) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
          if (type === NLMSG_DONE) return { errno: 0, interrupted };
          if (type === NLMSG_ERROR)
            return { errno: -this.#view.getInt32(at + HEADER_BYTES, true), interrupted };
          visit(type, this.#view, at + HEADER_BYTES, end);
        }
        at = (end + 3) & ~3;
      }
    }
    throw new Error(`${this.#doing}: the kernel's answer does not end`);
  }
}
