/** The connection exchange: a request or rows come out as they went in, or not at all. */
import type { TcpConnections } from 'libnetraw';
import {
  decodeRows,
  encodeRows,
  ROW_BYTES,
} from '../../../../packages/node/dist/inventory/connectionList.js';
import {
  decodeRequest,
  encodeRequest,
  REQUEST_BYTES,
} from '../../../../packages/node/dist/inventory/exchange.js';
import { must, type Target } from '../target.js';

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export const target: Target = {
  maxBytes: 256,
  seeds: () => [encodeRequest(new Uint8Array(REQUEST_BYTES - 1)), new Uint8Array(2 * ROW_BYTES).fill(1)],
  run(input) {
    const nonce = decodeRequest(input);
    if (nonce !== undefined) must(same(encodeRequest(nonce), input), 'another request');
    const list = decodeRows(input);
    if (list === undefined) return;
    must(list.count * ROW_BYTES === input.length, `${list.count} rows of ${input.length} bytes`);
    const table = { ...list, consistent: true, limited: false } as TcpConnections;
    const rows = encodeRows(table, 0, list.count, 0);
    must(same(rows, input), 'other rows');
  },
};
