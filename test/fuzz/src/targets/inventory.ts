/** The connection exchange: a request or rows come out as they went in, or not at all. */
import type { TcpConnections, TcpConnections6 } from 'libnetraw';
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
  seeds: () => [
    encodeRequest({ version: 1, nonce: new Uint8Array(REQUEST_BYTES - 1) }),
    encodeRequest({ version: 2, nonce: new Uint8Array(REQUEST_BYTES - 1) }),
    new Uint8Array(2 * ROW_BYTES[4]).fill(1),
    new Uint8Array(2 * ROW_BYTES[6]).fill(1),
  ],
  run(input) {
    const request = decodeRequest(input);
    if (request !== undefined) must(same(encodeRequest(request), input), 'another request');
    for (const family of [4, 6] as const) {
      const list = decodeRows(input, family);
      if (list === undefined) continue;
      must(list.family === family, `rows of family ${list.family}`);
      must(list.count * ROW_BYTES[family] === input.length, `${list.count} rows of ${input.length} bytes`);
      const table = { ...list, consistent: true, limited: false } as TcpConnections | TcpConnections6;
      must(same(encodeRows(table, 0, list.count, 0), input), 'other rows');
    }
  },
};
