/**
 * Capture files as `tcpdump -w` writes them (draft-ietf-opsawg-pcap): a file header of 24 bytes, then records of 16 bytes
 * and the packet. Numbers are in the byte order of the host that wrote the file.
 */

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const PCAPNG_MAGIC = 0x0a0d0d0a;
/** LINKTYPE_ETHERNET. */
const ETHERNET = 1;
/** The longest that any writer cuts packets at (libpcap's MAXIMUM_SNAPLEN). */
const MAX_PACKET_BYTES = 262_144;

/** A frame of a capture file. */
export interface CapturedFrame {
  /** Since 1970. */
  readonly atMs: number;
  /** What was kept of it; a view of the file. */
  readonly bytes: Uint8Array;
  /** How long it was on the wire. */
  readonly wireBytes: number;
}

export type PcapResult =
  | {
      readonly ok: true;
      readonly frames: readonly CapturedFrame[];
      /** Bytes at the end that are no whole record: the writer was stopped. */
      readonly leftBytes: number;
    }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads a capture file of Ethernet frames.
 * @param limit most frames; the rest is left
 */
export function decodePcap(file: Uint8Array, limit = Number.MAX_SAFE_INTEGER): PcapResult {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const order = orderOf(view);
  if (!order.ok) return order;
  const { little, ticksPerMs } = order;
  const linkType = view.getUint32(20, little) & 0xffff;
  if (linkType !== ETHERNET) {
    return { ok: false, problem: `its link type is ${linkType}, expected 1 (Ethernet)` };
  }
  const frames: CapturedFrame[] = [];
  let at = FILE_HEADER_BYTES;
  while (frames.length < limit && at + RECORD_HEADER_BYTES <= file.length) {
    const keptBytes = view.getUint32(at + 8, little);
    if (keptBytes > MAX_PACKET_BYTES) {
      return {
        ok: false,
        problem: `the record at byte ${at} is no record: it would have ${keptBytes} bytes`,
      };
    }
    const from = at + RECORD_HEADER_BYTES;
    if (from + keptBytes > file.length) break;
    frames.push({
      atMs: view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) / ticksPerMs,
      bytes: file.subarray(from, from + keptBytes),
      wireBytes: view.getUint32(at + 12, little),
    });
    at = from + keptBytes;
  }
  return { ok: true, frames, leftBytes: frames.length < limit ? file.length - at : 0 };
}

type Order =
  | { readonly ok: true; readonly little: boolean; readonly ticksPerMs: number }
  | { readonly ok: false; readonly problem: string };

function orderOf(view: DataView): Order {
  if (view.byteLength < FILE_HEADER_BYTES) return { ok: false, problem: 'it is shorter than a file header' };
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MAGIC_MICROSECONDS) return { ok: true, little, ticksPerMs: 1000 };
    if (magic === MAGIC_NANOSECONDS) return { ok: true, little, ticksPerMs: 1_000_000 };
  }
  const problem =
    view.getUint32(0) === PCAPNG_MAGIC
      ? 'it is a pcapng file; write it as pcap (`tcpdump -r FILE -w OTHER`, `editcap -F pcap FILE OTHER`)'
      : 'it does not begin like a pcap file; write one with `tcpdump -w FILE`';
  return { ok: false, problem };
}

/** Writes a capture file of Ethernet frames, as a little-endian host with a clock of microseconds would. */
export function encodePcap(
  frames: readonly { readonly atMs: number; readonly bytes: Uint8Array }[],
): Uint8Array {
  const bytes = frames.reduce(
    (sum, frame) => sum + RECORD_HEADER_BYTES + frame.bytes.length,
    FILE_HEADER_BYTES,
  );
  const file = new Uint8Array(bytes);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC_MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, MAX_PACKET_BYTES, true);
  view.setUint32(20, ETHERNET, true);
  let at = FILE_HEADER_BYTES;
  for (const frame of frames) {
    view.setUint32(at, Math.floor(frame.atMs / 1000), true);
    view.setUint32(at + 4, Math.floor((frame.atMs % 1000) * 1000), true);
    view.setUint32(at + 8, frame.bytes.length, true);
    view.setUint32(at + 12, frame.bytes.length, true);
    file.set(frame.bytes, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + frame.bytes.length;
  }
  return file;
}
