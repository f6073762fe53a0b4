import type { TcpConnections, TcpConnections6 } from 'libnetraw';
import type { ConnectionList } from '../dataplane/index.js';

/** 4 or 6. */
export type Family = ConnectionList['family'];

/** On the wire a row is, big-endian: local address, port, client address, client port, TCP state. */
const TAIL_BYTES = { port: 2, state: 1 } as const;
const ADDRESS_BYTES: Readonly<Record<Family, number>> = { 4: 4, 6: 16 };
export const ROW_BYTES: Readonly<Record<Family, number>> = { 4: rowBytes(4), 6: rowBytes(6) };

function rowBytes(family: Family): number {
  return 2 * (ADDRESS_BYTES[family] + TAIL_BYTES.port) + TAIL_BYTES.state;
}

/** Encodes rows `from` to `to` of the kernel's table after `headBytes` bytes that the caller fills. */
export function encodeRows(
  table: TcpConnections | TcpConnections6,
  from: number,
  to: number,
  headBytes: number,
): Uint8Array {
  const addressBytes = ADDRESS_BYTES[table.family];
  const bytes = new Uint8Array(headBytes + (to - from) * ROW_BYTES[table.family]);
  const view = new DataView(bytes.buffer);
  const putAddress = (column: Uint32Array | Uint8Array, row: number, at: number): void => {
    if (column instanceof Uint32Array) view.setUint32(at, column[row]);
    else bytes.set(column.subarray(row * addressBytes, (row + 1) * addressBytes), at);
  };
  const clientAt = addressBytes + TAIL_BYTES.port;
  for (let row = from, at = headBytes; row < to; row++, at += ROW_BYTES[table.family]) {
    putAddress(table.localAddress, row, at);
    view.setUint16(at + addressBytes, table.localPort[row]);
    putAddress(table.clientAddress, row, at + clientAt);
    view.setUint16(at + clientAt + addressBytes, table.clientPort[row]);
    view.setUint8(at + 2 * clientAt, table.state[row]);
  }
  return bytes;
}

/** The rows of a record again; `undefined` when the bytes are not a whole number of rows. */
export function decodeRows(bytes: Uint8Array, family: Family): ConnectionList | undefined {
  if (bytes.length % ROW_BYTES[family] !== 0) return undefined;
  return family === 4 ? decodeRows4(bytes) : decodeRows6(bytes);
}

function columnsOf(count: number) {
  return {
    count,
    localPort: new Uint16Array(count),
    clientPort: new Uint16Array(count),
    state: new Uint8Array(count),
  };
}

function decodeRows4(bytes: Uint8Array): ConnectionList {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / ROW_BYTES[4];
  const columns = columnsOf(count);
  const localAddress = new Uint32Array(count);
  const clientAddress = new Uint32Array(count);
  for (let row = 0, at = 0; row < count; row++, at += ROW_BYTES[4]) {
    localAddress[row] = view.getUint32(at);
    columns.localPort[row] = view.getUint16(at + 4);
    clientAddress[row] = view.getUint32(at + 6);
    columns.clientPort[row] = view.getUint16(at + 10);
    columns.state[row] = view.getUint8(at + 12);
  }
  return { family: 4, ...columns, localAddress, clientAddress };
}

function decodeRows6(bytes: Uint8Array): ConnectionList {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / ROW_BYTES[6];
  const columns = columnsOf(count);
  const localAddress = new Uint8Array(count * 16);
  const clientAddress = new Uint8Array(count * 16);
  for (let row = 0, at = 0; row < count; row++, at += ROW_BYTES[6]) {
    localAddress.set(bytes.subarray(at, at + 16), row * 16);
    columns.localPort[row] = view.getUint16(at + 16);
    clientAddress.set(bytes.subarray(at + 18, at + 34), row * 16);
    columns.clientPort[row] = view.getUint16(at + 34);
    columns.state[row] = view.getUint8(at + 36);
  }
  return { family: 6, ...columns, localAddress, clientAddress };
}
