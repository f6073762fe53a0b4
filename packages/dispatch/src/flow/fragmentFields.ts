import { IpProtocol } from 'libnetraw/wire';
import { DropReason } from '../verdicts.js';
import { type Flow, FlowKind } from './flow.js';

/** A packet has at most 65,535 bytes of payload: a fragment that ends beyond is the "ping of death". */
const MAX_END = 0xffff;
/** Where the flags of TCP would be overwritten by a second fragment (RFC 1858, section 3). */
const TCP_FLAGS_START = 8;

/**
 * Notes which part of which packet a fragment is, or says what is wrong with it: no payload, a part that is not the last
 * and no multiple of eight bytes, an end beyond what a packet can have, a second part within the TCP header (RFC 1858).
 *
 * @param identification as the IP header or fragment header has it
 * @param tag part of what names the packet, see `keyTag`: cluster, and IPv4's protocol, or 0 (RFC 8200 names it without)
 */
export function noteFragment(
  flow: Flow,
  identification: number,
  tag: number,
  start: number,
  length: number,
  isLast: boolean,
): DropReason {
  const end = start + length;
  if (length <= 0 || end > MAX_END || (!isLast && (length & 7) !== 0)) return DropReason.badFragment;
  if (start === TCP_FLAGS_START && flow.protocol === IpProtocol.tcp) return DropReason.badFragment;
  const { key, fragmentKey } = flow;
  if (flow.family === 6) fragmentKey.setClient6(key.client0, key.client1, key.client2, key.client3);
  else fragmentKey.setClient6(key.client0, 0, 0, 0);
  fragmentKey.ports = identification | 0;
  fragmentKey.tag = tag;
  flow.isFragment = true;
  flow.fragmentStart = start;
  flow.fragmentEnd = end;
  flow.isLastFragment = isLast;
  if (start !== 0) {
    flow.kind = FlowKind.laterFragment;
    flow.tcpFlags = 0;
  }
  return DropReason.none;
}
