import { libc, NativeMemory, SystemError, takeSocketError, type Libc } from '../libc/index.js';
import {
  ETH_P_ALL,
  PACKET_FANOUT,
  PACKET_FANOUT_DATA,
  PACKET_RESERVE,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_VERSION,
  PACKET_VNET_HDR,
  POLLIN,
  SOL_PACKET,
} from '../libc/constants.js';
import { getIntOption, setIntOption, setOption } from '../libc/socket.js';
import {
  attachFilter,
  attachProgram,
  bindPacketSocket,
  changeMembership,
  interfaceIndex,
  openPacketSocket,
} from '../packetSocket.js';
import {
  EtherType,
  MAC_BYTES,
  shiftVnetHeader,
  VLAN_TAG_BYTES,
  VNET_HEADER_BYTES,
  writeU16,
} from '../wire/index.js';
import type { Wake } from '../wake.js';
import type { BpfProgram } from './bpf.js';
import { acceptAll } from './filters.js';
import { ringGeometry, type RingGeometry } from './ringGeometry.js';

/** A slot that holds the largest segmentation super-frame (64 KiB) with its headers. Not a multiple of the page size, so
 * that the headers of successive slots do not compete for the same cache lines. */
export const SUPER_FRAME_SLOT_BYTES = 69_696;

const TPACKET_V2 = 1;
/** 10 + 6 = 16: with it the IP header behind the offload header is aligned. */
const RESERVE_BYTES = 6;

// struct tpacket2_hdr, and the struct sockaddr_ll behind it
const STATUS_KERNEL = 0;
const STATUS_USER = 1;
const LENGTH = 4;
const CAPTURED = 8;
const FRAME_OFFSET = 12;
const VLAN_TCI = 24;
const VLAN_TPID = 26;
const STATUS_VLAN_VALID = 1 << 4;
const STATUS_VLAN_TPID_VALID = 1 << 6;
const PACKET_TYPE = 32 + 10;

const FANOUT_MODES = { hash: 0, loadBalance: 1, cpu: 2 } as const;
const FANOUT_PROGRAM = 6;
/** The kernel looks for a group number that nobody uses. */
const FANOUT_UNIQUE_ID = 0x2000;

/** How the rings of a group share the interface's frames. */
export interface FanoutOptions {
  /** {@link PacketRing.fanoutGroup} of the group's first ring; absent: this one is the first, of a new group. */
  readonly group?: number;
  /**
   * Which ring gets a frame. What a program returns modulo the number of rings is the ring's number, in order of opening;
   * all rings of a group have the same program.
   */
  readonly by: keyof typeof FANOUT_MODES | BpfProgram;
}

export interface PacketRingOptions {
  /** Name of the network interface, e.g. `eth0`. */
  readonly interface: string;
  /** Frames that may wait to be taken; rounded up to fill whole blocks of memory. Default 256. */
  readonly slots?: number;
  /** Bytes of a slot: a multiple of 16. Longer frames are cut ({@link PacketRing.isTruncated}). Default 69,696. */
  readonly slotBytes?: number;
  /** Which frames to take, in force before the first one arrives. Default: all. */
  readonly filter?: BpfProgram;
  /** Shares the interface's frames with the other rings of the same group (PACKET_FANOUT), e.g. one a thread. */
  readonly fanout?: FanoutOptions;
}

/** What {@link PacketRing.poll} saw: bits. Zero: the time was over, or a signal interrupted it. */
export const Ready = { frames: 1, woken: 2, error: 4 } as const;

/**
 * Frames of one interface in memory that the kernel and this process share (`TPACKET_V2`, packet(7)). A frame is read,
 * and may be rewritten, where it lies; `take` and `release` allocate nothing and call nothing.
 *
 * Every frame has its offload header (10 bytes) directly before it. Who sends the frame on with that header - see
 * `FrameSender` - keeps partly summed packets and super-frames intact. A VLAN tag that the card took off is put back, so
 * that the frame is what was on the wire (a filter looks at it without the tag).
 *
 * Slots are taken in order of arrival and may be released in any order; while all are taken the kernel drops and counts.
 */
export class PacketRing {
  readonly fd: number;
  readonly interfaceIndex: number;
  readonly slots: number;
  /** Number of the fan-out group, or -1. */
  readonly fanoutGroup: number;
  /** The slots. A frame lies at {@link frameOffset} in `memory.bytes`. */
  readonly memory: NativeMemory;
  readonly #doing: string;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #slotOffsets: Uint32Array;
  readonly #fence = new Int32Array(new SharedArrayBuffer(4));
  readonly #scratch = NativeMemory.allocate(64);
  /** Two `struct pollfd` { int fd; short events; short revents }, seen as ints and as shorts. */
  readonly #pollWords: Int32Array;
  readonly #pollEvents: Int16Array;
  readonly #poll: Libc['poll'];
  readonly #statistics = { received: 0, dropped: 0 };
  #head = 0;
  #closed = false;

  private constructor(
    fd: number,
    index: number,
    memory: NativeMemory,
    geometry: RingGeometry,
    fanoutGroup: number,
    doing: string,
  ) {
    this.fd = fd;
    this.fanoutGroup = fanoutGroup;
    this.interfaceIndex = index;
    this.slots = geometry.slots;
    this.memory = memory;
    this.#doing = doing;
    this.#words = new Int32Array(memory.bytes.buffer);
    this.#halves = new Uint16Array(memory.bytes.buffer);
    this.#slotOffsets = geometry.offsets;
    this.#pollWords = new Int32Array(this.#scratch.bytes.buffer);
    this.#pollEvents = new Int16Array(this.#scratch.bytes.buffer);
    this.#poll = libc().poll;
  }

  /** Throws {@link SystemError}: `EPERM` without CAP_NET_RAW, `ENODEV`, `ENOMEM`. */
  static open(options: PacketRingOptions): PacketRing {
    const doing = `opening a packet ring on ${options.interface}`;
    const geometry = ringGeometry(options.slots ?? 256, options.slotBytes ?? SUPER_FRAME_SLOT_BYTES);
    const index = interfaceIndex(options.interface, doing);
    const fd = openPacketSocket(doing);
    try {
      setUpRing(fd, geometry, doing);
      attachFilter(fd, options.filter ?? acceptAll(), doing);
      const memory = NativeMemory.share(fd, geometry.memoryBytes);
      bindPacketSocket(fd, index, ETH_P_ALL, doing);
      const group = options.fanout === undefined ? -1 : joinFanout(fd, options.fanout, doing);
      return new PacketRing(fd, index, memory, geometry, group, doing);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  /** The slot of the next received frame, now the caller's until {@link release}; -1 if none has arrived. */
  take(): number {
    const slot = this.#head;
    const status = Atomics.load(this.#words, this.#slotOffsets[slot] >>> 2);
    if ((status & STATUS_USER) === 0) return -1;
    if ((status & STATUS_VLAN_VALID) !== 0) this.#restoreTag(this.#slotOffsets[slot], status);
    this.#head = slot + 1 === this.slots ? 0 : slot + 1;
    return slot;
  }

  /** Makes room for the tag in the unused bytes before the frame: what is behind it stays where it is, aligned. */
  #restoreTag(start: number, status: number): void {
    const { bytes } = this.memory;
    const from = start + this.#halves[(start + FRAME_OFFSET) >>> 1];
    const to = from - VLAN_TAG_BYTES;
    bytes.copyWithin(to - VNET_HEADER_BYTES, from - VNET_HEADER_BYTES, from + 2 * MAC_BYTES);
    const tpid =
      (status & STATUS_VLAN_TPID_VALID) === 0 ? EtherType.vlan : this.#halves[(start + VLAN_TPID) >>> 1];
    writeU16(bytes, to + 2 * MAC_BYTES, tpid);
    writeU16(bytes, to + 2 * MAC_BYTES + 2, this.#halves[(start + VLAN_TCI) >>> 1]);
    shiftVnetHeader(bytes, to - VNET_HEADER_BYTES, VLAN_TAG_BYTES);
    this.#halves[(start + FRAME_OFFSET) >>> 1] -= VLAN_TAG_BYTES;
    this.#words[(start + CAPTURED) >>> 2] += VLAN_TAG_BYTES;
    this.#words[(start + LENGTH) >>> 2] += VLAN_TAG_BYTES;
  }

  /** Hands a slot back to the kernel. The frame in it is gone. */
  release(slot: number): void {
    Atomics.store(this.#words, this.#slotOffsets[slot] >>> 2, STATUS_KERNEL);
  }

  /**
   * Takes received frames by the batch: their slots go into `slots`, in order of arrival. Cheaper than {@link take}, because
   * one barrier does for all of them.
   * @returns how many, up to the length of `slots`
   */
  takeMany(slots: Int32Array): number {
    let count = 0;
    let head = this.#head;
    let seen = 0;
    while (count < slots.length) {
      const status = this.#words[this.#slotOffsets[head] >>> 2];
      if ((status & STATUS_USER) === 0) break;
      seen |= status;
      slots[count++] = head;
      head = head + 1 === this.slots ? 0 : head + 1;
    }
    this.#head = head;
    if (count > 0) this.#barrier();
    if ((seen & STATUS_VLAN_VALID) !== 0) this.#restoreTags(slots, count);
    return count;
  }

  #restoreTags(slots: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const start = this.#slotOffsets[slots[i]];
      const status = this.#words[start >>> 2];
      if ((status & STATUS_VLAN_VALID) !== 0) this.#restoreTag(start, status);
    }
  }

  /** Hands back the first `count` of `slots`. */
  releaseMany(slots: Int32Array, count: number): void {
    this.#barrier();
    for (let i = 0; i < count; i++) this.#words[this.#slotOffsets[slots[i]] >>> 2] = STATUS_KERNEL;
  }

  /** Whether {@link takeMany} would find something. A hint: what it says may be out of date at once. */
  get hasFrames(): boolean {
    return (this.#words[this.#slotOffsets[this.#head] >>> 2] & STATUS_USER) !== 0;
  }

  /** Where the frame's Ethernet header starts in `memory.bytes`. Its offload header starts 10 bytes earlier. */
  frameOffset(slot: number): number {
    const start = this.#slotOffsets[slot];
    return start + this.#halves[(start + FRAME_OFFSET) >>> 1];
  }

  /** Bytes of the frame that are in the slot, the Ethernet header included. */
  frameLength(slot: number): number {
    return this.#words[(this.#slotOffsets[slot] + CAPTURED) >>> 2];
  }

  /** Whether the frame was longer than the slot: what is in it is not all of it, and must not be sent on. */
  isTruncated(slot: number): boolean {
    const at = this.#slotOffsets[slot] >>> 2;
    return this.#words[at + (CAPTURED >>> 2)] < this.#words[at + (LENGTH >>> 2)];
  }

  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4. */
  packetType(slot: number): number {
    return this.memory.bytes[this.#slotOffsets[slot] + PACKET_TYPE];
  }

  /**
   * Blocks the thread until a frame is there, `wake` was signalled, the interface failed, or the time is over. All taken
   * slots should have been released before.
   * @param timeoutMs -1 for ever, 0 not at all
   * @returns bits of {@link Ready}
   */
  poll(timeoutMs: number, wake?: Wake): number {
    const words = this.#pollWords;
    const events = this.#pollEvents;
    words[0] = this.fd;
    words[2] = wake === undefined ? -1 : wake.fd;
    events[2] = events[6] = POLLIN;
    if (this.#poll(this.#scratch.address, 2, timeoutMs) <= 0) return 0;
    const seen = events[3];
    const frames = (seen & POLLIN) === 0 ? 0 : Ready.frames;
    const error = (seen & ~POLLIN) === 0 ? 0 : Ready.error;
    return frames | error | (events[7] === 0 ? 0 : Ready.woken);
  }

  /**
   * Takes the error that {@link Ready.error} announced: `ENETDOWN` when the interface went down (frames come again once
   * it is up) or was removed (they never will).
   */
  takeError(): SystemError | undefined {
    const errno = takeSocketError(this.fd);
    return errno === 0 ? undefined : new SystemError(errno, { syscall: 'poll', doing: this.#doing });
  }

  /**
   * Nothing that stands before it in the program is seen to happen after what stands behind it: a frame is read after its
   * status, and the status is given back after the frame was last touched. `Atomics` calls cost more than a frame's whole
   * way through the dispatcher's map, so there is one a batch.
   */
  #barrier(): void {
    Atomics.add(this.#fence, 0, 0);
  }

  /** Replaces the filter. Frames that are in the ring already stay there. */
  setFilter(filter: BpfProgram): void {
    attachFilter(this.fd, filter, this.#doing);
  }

  /** Lets frames to one more MAC (unicast or multicast) through the card. Throws {@link SystemError}. */
  addMembership(mac: Uint8Array): void {
    changeMembership(this.fd, this.interfaceIndex, mac, 'add', this.#doing);
  }

  /** Takes an {@link addMembership} back. */
  dropMembership(mac: Uint8Array): void {
    changeMembership(this.fd, this.interfaceIndex, mac, 'drop', this.#doing);
  }

  /** Frames since the ring was opened: how many passed the filter, and how many of those found no free slot. */
  statistics(): { readonly received: number; readonly dropped: number } {
    const value = new Uint8Array(8); // struct tpacket_stats: reading it resets it
    const lengthBytes = new Uint8Array(Int32Array.of(value.length).buffer);
    if (libc().getsockopt(this.fd, SOL_PACKET, PACKET_STATISTICS, value, lengthBytes) === 0) {
      const [received, dropped] = new Uint32Array(value.buffer);
      this.#statistics.received += received;
      this.#statistics.dropped += dropped;
    }
    return { ...this.#statistics };
  }

  /** Closes the socket, which ends its memberships. The memory then reads as zeros. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.memory.release();
    this.#scratch.release();
    libc().close(this.fd);
  }
}

/** Joins a group, or founds one. Returns its number. */
function joinFanout(fd: number, { group, by }: FanoutOptions, doing: string): number {
  const mode = typeof by === 'string' ? FANOUT_MODES[by] : FANOUT_PROGRAM;
  const kind = group === undefined ? mode | FANOUT_UNIQUE_ID : mode;
  const name = 'PACKET_FANOUT';
  setIntOption(fd, SOL_PACKET, PACKET_FANOUT, (group ?? 0) | (kind << 16), { name, doing });
  if (typeof by !== 'string') {
    attachProgram(fd, by, {
      level: SOL_PACKET,
      option: PACKET_FANOUT_DATA,
      name: 'PACKET_FANOUT_DATA',
      doing,
    });
  }
  return group ?? getIntOption(fd, SOL_PACKET, PACKET_FANOUT, { name, doing }) & 0xffff;
}

function setUpRing(fd: number, geometry: RingGeometry, doing: string): void {
  const set = (option: number, name: string, value: number): void =>
    setIntOption(fd, SOL_PACKET, option, value, { name, doing });
  set(PACKET_VERSION, 'PACKET_VERSION', TPACKET_V2);
  set(PACKET_RESERVE, 'PACKET_RESERVE', RESERVE_BYTES);
  set(PACKET_VNET_HDR, 'PACKET_VNET_HDR', 1);
  const { blockBytes, blocks, slotBytes, slots } = geometry;
  const request = new Uint8Array(Uint32Array.of(blockBytes, blocks, slotBytes, slots).buffer); // struct tpacket_req
  setOption(fd, SOL_PACKET, PACKET_RX_RING, request, { name: 'PACKET_RX_RING', doing });
}
