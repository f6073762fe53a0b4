import { IpProtocol, Ipv4At, IPV6_HEADER_BYTES, Ipv6At, readU16 } from 'libnetraw/wire';
import { type Flow, FlowKind } from '../flow/flow.js';
import { isIcmpError } from '../flow/icmpReader.js';
import type { PacketPlaces } from './packet.js';

const FLAGS_AT_4 = 6;
const DONT_FRAGMENT = 0x40;

/** Where the headers of the packet at hand stand: what a `Flow` says, in the words of the rewriting. */
export class FlowPlaces {
  readonly packet: PacketPlaces;
  /** Of an ICMP error: the packet that it quotes. */
  readonly quoted: PacketPlaces;
  /** Whether a router may cut the packet into fragments: IPv4 without "don't fragment". */
  mayBeCut = false;

  private readonly outer = create();
  private readonly inner = create();

  constructor() {
    this.packet = this.outer;
    this.quoted = this.inner;
  }

  /** Takes over the places of a flow, whose headers have been checked. */
  read(memory: Uint8Array, flow: Flow): void {
    const { outer, inner } = this;
    const { family, kind, ipOffset } = flow;
    outer.family = family;
    outer.ipOffset = ipOffset;
    outer.end =
      family === 4
        ? ipOffset + readU16(memory, ipOffset + Ipv4At.totalLength)
        : ipOffset + IPV6_HEADER_BYTES + readU16(memory, ipOffset + Ipv6At.payloadLength);
    this.mayBeCut = family === 4 && (memory[ipOffset + FLAGS_AT_4] & DONT_FRAGMENT) === 0;
    outer.transportOffset = kind === FlowKind.laterFragment ? -1 : flow.transportOffset;
    outer.protocol = flow.protocol;
    if (kind !== FlowKind.error) return;
    outer.protocol = family === 4 ? IpProtocol.icmp : IpProtocol.icmpv6;
    inner.family = family;
    inner.ipOffset = flow.quotedOffset;
    inner.protocol = flow.protocol;
    inner.transportOffset = flow.quotedTransportOffset;
    inner.end = outer.end;
  }

  /**
   * Whether an ICMP error may be sent about the packet: not about an ICMP error, nor about a fragment that is not the first
   * (RFC 1122, section 3.2.2; RFC 4443, section 2.4 e).
   */
  mayBeAnswered(memory: Uint8Array, { kind, family }: Flow): boolean {
    const { protocol, transportOffset, end } = this.outer;
    if (kind === FlowKind.error || transportOffset < 0) return false;
    if (protocol !== IpProtocol.icmp && protocol !== IpProtocol.icmpv6) return true;
    return transportOffset < end && !isIcmpError(family, memory[transportOffset]);
  }
}

interface MutablePlaces {
  family: 4 | 6;
  ipOffset: number;
  protocol: number;
  transportOffset: number;
  end: number;
}

function create(): MutablePlaces {
  return { family: 4, ipOffset: 0, protocol: 0, transportOffset: -1, end: 0 };
}
