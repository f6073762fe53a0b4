import type { TcpConnections } from 'libnetraw';
import type { ConnectionList } from '../dataplane/index.js';

/** On the wire a row is 13 bytes, big-endian: cluster address, port, client address, client port, TCP state. */
export const ROW_BYTES = 13;

/** Encodes rows `from` to `to` of the kernel's table after `headBytes` bytes that the caller fills. */
export function encodeRows(table: TcpConnections, from: number, to: number, headBytes: number): Uint8Array {
  const bytes = new Uint8Array(headBytes + (to - from) * ROW_BYTES);
  const view = new DataView(bytes.buffer);
  let at = headBytes;
  for (let row = from; row < to; row++) {
    view.setUint32(at, table.localAddress[row]);
    view.setUint16(at + 4, table.localPort[row]);
    view.setUint32(at + 6, table.clientAddress[row]);
    view.setUint16(at + 10, table.clientPort[row]);
    view.setUint8(at + 12, table.state[row]);
    at += ROW_BYTES;
  }
  return bytes;
}

/** The rows of a record again; `undefined` when the bytes are not a whole number of rows. */
export function decodeRows(bytes: Uint8Array): ConnectionList | undefined {
  if (bytes.length % ROW_BYTES !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / ROW_BYTES;
  const list = {
    count,
    localAddress: new Uint32Array(count),
    localPort: new Uint16Array(count),
    clientAddress: new Uint32Array(count),
    clientPort: new Uint16Array(count),
    state: new Uint8Array(count),
  };
  for (let row = 0, at = 0; row < count; row++, at += ROW_BYTES) {
    list.localAddress[row] = view.getUint32(at);
    list.localPort[row] = view.getUint16(at + 4);
    list.clientAddress[row] = view.getUint32(at + 6);
    list.clientPort[row] = view.getUint16(at + 10);
    list.state[row] = view.getUint8(at + 12);
  }
  return list;
}
