import assert from 'node:assert/strict';
import { lastErrno, libc, NativeMemory, WORD_BYTES, type Libc } from '../libc/index.js';
import {
  EAGAIN,
  EINTR,
  EMSGSIZE,
  ENETDOWN,
  ENOBUFS,
  ENXIO,
  MSG_DONTWAIT,
  PACKET_QDISC_BYPASS,
  PACKET_VNET_HDR,
  POLLOUT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOL_PACKET,
  SOL_SOCKET,
} from '../libc/constants.js';
import { setIntOption } from '../libc/socket.js';
import { bindPacketSocket, interfaceIndex, openPacketSocket } from '../packetSocket.js';

/** How often one flush may wait for a full device or buffer before it gives frames up. */
const MAX_RETRIES = 8;
/** How long one such wait lasts at most. */
const RETRY_MS = 1;
const SEND_BUFFER_BYTES = 8 * 1024 * 1024;

/** What became of the frames that were queued. Frames and bytes since the sender was opened. */
export interface SenderCounters {
  sent: number;
  sentBytes: number;
  /** The device or the socket buffer stayed full (`ENOBUFS`, `EAGAIN`). */
  droppedBusy: number;
  /** Larger than the device's MTU, without being a super-frame (`EMSGSIZE`). */
  droppedTooLarge: number;
  /** The interface is down or gone (`ENETDOWN`, `ENXIO`). */
  droppedDown: number;
  /** Any other refusal, e.g. an offload header that makes no sense (`EINVAL`). */
  droppedRefused: number;
}

export interface FrameSenderOptions {
  /** Name of the interface. On `lo`, a frame to the all-zero MAC is delivered to this host. */
  readonly interface: string;
  /** Frames per system call. Default 64. */
  readonly batch?: number;
}

/**
 * Sends frames from where they lie in native memory - the slots of a `PacketRing`, for one - many per system call, without
 * a copy in user space. Every frame must have its offload header (10 bytes) directly before it.
 *
 * `queue` takes no copy: the frame must stay as it is until `flush`, and may be changed once that returned.
 */
export class FrameSender {
  readonly counters: SenderCounters = {
    sent: 0,
    sentBytes: 0,
    droppedBusy: 0,
    droppedTooLarge: 0,
    droppedDown: 0,
    droppedRefused: 0,
  };
  readonly #fd: number;
  readonly #batch: number;
  readonly #tables: NativeMemory;
  readonly #words: Uint32Array;
  /** Address of the message header of each place in the batch. */
  readonly #messages: readonly bigint[];
  readonly #lengths: Uint32Array;
  readonly #sendmmsg: Libc['sendmmsg'];
  #queued = 0;
  #closed = false;

  private constructor(fd: number, batch: number) {
    this.#fd = fd;
    this.#batch = batch;
    this.#tables = NativeMemory.allocate(batch * (MESSAGE_BYTES + VECTOR_BYTES));
    this.#words = new Uint32Array(this.#tables.bytes.buffer);
    this.#lengths = new Uint32Array(batch);
    this.#messages = Array.from(
      { length: batch },
      (_, i) => this.#tables.address + BigInt(i * MESSAGE_BYTES),
    );
    this.#sendmmsg = libc().sendmmsg;
    for (let place = 0; place < batch; place++) this.#layOutMessage(place);
  }

  /** Throws `SystemError`: `EPERM` without CAP_NET_RAW, `ENODEV`. */
  static open(options: FrameSenderOptions): FrameSender {
    const doing = `opening a frame sender on ${options.interface}`;
    const batch = options.batch ?? 64;
    assert(Number.isInteger(batch) && batch > 0 && batch <= 1024, 'a batch is 1 to 1024 frames');
    const index = interfaceIndex(options.interface, doing);
    const fd = openPacketSocket(doing);
    try {
      setIntOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1, { name: 'PACKET_VNET_HDR', doing });
      setIntOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1, { name: 'PACKET_QDISC_BYPASS', doing });
      enlargeSendBuffer(fd, doing);
      bindPacketSocket(fd, index, 0, doing);
      return new FrameSender(fd, batch);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  /** Frames queued and not yet flushed. */
  get queued(): number {
    return this.#queued;
  }

  /**
   * Adds a frame to the batch; a full batch is flushed first.
   * @param offset where the offload header starts in `memory`
   * @param lengthBytes of the offload header and the frame together
   */
  queue(memory: NativeMemory, offset: number, lengthBytes: number): void {
    assert(offset >= 0 && offset + lengthBytes <= memory.sizeBytes, 'a frame lies within its memory');
    if (this.#queued === this.#batch) this.flush();
    const place = this.#queued++;
    const vector = (this.#batch * MESSAGE_BYTES + place * VECTOR_BYTES) >>> 2;
    writeAddress(this.#words, vector, memory, offset);
    this.#words[vector + WORD_BYTES / 4] = lengthBytes;
    this.#lengths[place] = lengthBytes;
  }

  /** Sends what is queued. Frames that the kernel does not take after a bounded wait are dropped and counted. */
  flush(): void {
    const queued = this.#queued;
    let first = 0;
    let retries = MAX_RETRIES;
    while (first < queued) {
      const sent = this.#sendmmsg(this.#fd, this.#messages[first], queued - first, MSG_DONTWAIT);
      if (sent > 0) {
        this.#countSent(first, first + sent);
        first += sent;
        continue;
      }
      const errno = lastErrno();
      if (retries > 0 && (errno === EAGAIN || errno === ENOBUFS || errno === EINTR)) {
        retries -= 1;
        if (errno === EAGAIN) this.#waitWritable();
        continue;
      }
      first += this.#drop(errno, queued - first);
    }
    this.#queued = 0;
  }

  /** Forgets what is queued without sending it. */
  discard(): number {
    const discarded = this.#queued;
    this.#queued = 0;
    return discarded;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
    this.#tables.unmap();
  }

  /** `struct mmsghdr`: everything but the vector's content is the same for every frame. */
  #layOutMessage(place: number): void {
    const message = (place * MESSAGE_BYTES) >>> 2;
    const step = WORD_BYTES / 4;
    const vector = this.#batch * MESSAGE_BYTES + place * VECTOR_BYTES;
    writeAddress(this.#words, message + MSG_IOV * step, this.#tables, vector);
    this.#words[message + MSG_IOVLEN * step] = 1;
  }

  #countSent(first: number, end: number): void {
    this.counters.sent += end - first;
    for (let place = first; place < end; place++) this.counters.sentBytes += this.#lengths[place];
  }

  /** Gives up the first of the remaining frames, or all of them when none can be sent. Returns how many. */
  #drop(errno: number, remaining: number): number {
    switch (errno) {
      case EAGAIN:
      case ENOBUFS:
      case EINTR:
        this.counters.droppedBusy += 1;
        return 1;
      case EMSGSIZE:
        this.counters.droppedTooLarge += 1;
        return 1;
      case ENETDOWN:
      case ENXIO:
        this.counters.droppedDown += remaining;
        return remaining;
      default:
        this.counters.droppedRefused += 1;
        return 1;
    }
  }

  #waitWritable(): void {
    const descriptor = new Uint8Array(8); // struct pollfd
    new Int32Array(descriptor.buffer, 0, 1)[0] = this.#fd;
    new Int16Array(descriptor.buffer, 4, 1)[0] = POLLOUT;
    libc().poll(descriptor, 1, RETRY_MS);
  }
}

// struct mmsghdr { struct msghdr { name, namelen, iov, iovlen, control, controllen, flags }, len }: each of these takes one
// machine word with its padding, on 32-bit and on 64-bit machines. struct iovec { base, len }: two words.
const MESSAGE_BYTES = 8 * WORD_BYTES;
const VECTOR_BYTES = 2 * WORD_BYTES;
const MSG_IOV = 2;
const MSG_IOVLEN = 3;

/** Writes the pointer to `memory.bytes[offset]`, low half first: every machine that koffi runs on is little-endian. */
function writeAddress(words: Uint32Array, index: number, memory: NativeMemory, offset: number): void {
  const low = memory.addressLow + offset;
  words[index] = low >>> 0;
  if (WORD_BYTES === 8) words[index + 1] = memory.addressHigh + (low > 0xffff_ffff ? 1 : 0);
}

/** A larger buffer needs CAP_NET_ADMIN; without it the host's own limit holds. */
function enlargeSendBuffer(fd: number, doing: string): void {
  try {
    setIntOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES, { name: 'SO_SNDBUFFORCE', doing });
  } catch {
    setIntOption(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES, { name: 'SO_SNDBUF', doing });
  }
}
