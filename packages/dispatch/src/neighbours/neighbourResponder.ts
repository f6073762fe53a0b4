import {
  ALL_NODES,
  copyIpv6,
  copyMac,
  decodeIpv6,
  decodeNeighbour,
  encodeNeighbour,
  EtherType,
  Icmpv6Type,
  IPV6_ADDRESS_BYTES,
  IPV6_HEADER_BYTES,
  Ipv6At,
  IpProtocol,
  Ipv6Header,
  isGroupMac,
  isNeighbourType,
  isZeroMac,
  MAC_BYTES,
  macEquals,
  multicastMacOf,
  NeighbourFlag,
  NeighbourMessage,
  WireStatus,
} from 'libnetraw/wire';
import { Counter } from '../counters.js';
import type { LinkHeader } from '../flow/linkHeader.js';
import type { OwnedAddress } from '../cluster.js';
import type { ServiceTree } from '../serviceTree.js';
import { Verdict } from '../verdicts.js';
import type { Reply } from './reply.js';

const ALL_NODES_MAC = multicastMacOf(ALL_NODES);

/**
 * Answers neighbour solicitations (RFC 4861) about cluster addresses and ghost gateways with their virtual MAC, which no
 * kernel would: the address is on `lo`, or nowhere.
 */
export class NeighbourResponder {
  private readonly tree: ServiceTree;
  private readonly ownMac: Uint8Array;
  private readonly counters: Float64Array;
  private readonly reply: Reply;
  private readonly ip = new Ipv6Header();
  private readonly message = new NeighbourMessage();
  private readonly fields = {
    type: Icmpv6Type.neighbourAdvertisement,
    source: new Uint8Array(IPV6_ADDRESS_BYTES),
    destination: new Uint8Array(IPV6_ADDRESS_BYTES),
    target: new Uint8Array(IPV6_ADDRESS_BYTES),
    flags: 0,
    linkAddress: new Uint8Array(MAC_BYTES),
  };
  private readonly destinationMac = new Uint8Array(MAC_BYTES);

  constructor(tree: ServiceTree, ownMac: Uint8Array, counters: Float64Array, reply: Reply) {
    this.tree = tree;
    this.ownMac = ownMac;
    this.counters = counters;
    this.reply = reply;
  }

  /** Whether an IPv6 packet is a neighbour message; those have no extension headers. */
  isNeighbourMessage(memory: Uint8Array, offset: number, length: number, link: LinkHeader): boolean {
    const { payloadOffset: at } = link;
    if (at + IPV6_HEADER_BYTES >= offset + length) return false;
    return (
      memory[at + Ipv6At.nextHeader] === IpProtocol.icmpv6 && isNeighbourType(memory[at + IPV6_HEADER_BYTES])
    );
  }

  /** Decides about a neighbour message: `answer` with the reply, `ignore`, or `drop` as malformed. */
  respond(memory: Uint8Array, offset: number, length: number, link: LinkHeader): Verdict {
    if (!isGroupMac(memory, offset) && !this.tree.isVirtualMac(memory, offset)) return Verdict.ignore;
    const { ip, message } = this;
    const { payloadOffset } = link;
    const status = decodeIpv6(memory, payloadOffset, offset + length - payloadOffset, ip);
    if (status !== WireStatus.ok || decodeNeighbour(memory, ip, message) !== WireStatus.ok)
      return Verdict.drop;
    const wanted = this.tree.ownerOf6(memory, message.targetOffset);
    const senderAt = message.linkAddressOffset >= 0 ? message.linkAddressOffset : offset + MAC_BYTES;
    const isOurs = this.isOurs(memory, senderAt) || this.isOurs(memory, offset + MAC_BYTES);
    if (wanted === undefined) return Verdict.ignore;
    if (message.type === Icmpv6Type.neighbourAdvertisement) {
      // Somebody says that it has the address: a dispatcher's announcement, or a conflict. Neither is answered.
      if (!isOurs) this.counters[Counter.arpConflict]++;
      return Verdict.ignore;
    }
    if (isOurs) return Verdict.ignore;
    // An answer to a group address would be one packet in, many out.
    if (isGroupMac(memory, senderAt) || isZeroMac(memory, senderAt)) return Verdict.drop;
    this.answer(memory, offset, link, wanted, senderAt);
    return Verdict.answer;
  }

  /** Whether the six bytes are this node's MAC or a virtual one, whoever dispatches at present. */
  private isOurs(memory: Uint8Array, offset: number): boolean {
    return macEquals(memory, offset, this.ownMac, 0) || this.tree.isVirtualMac(memory, offset);
  }

  /** To who asks; to everybody when the question was whether the address is free (RFC 4861, section 7.2.4). */
  private answer(
    memory: Uint8Array,
    offset: number,
    link: LinkHeader,
    wanted: OwnedAddress,
    senderAt: number,
  ): void {
    const { fields, message, reply, destinationMac } = this;
    const role = wanted.isRouter ? NeighbourFlag.router : 0;
    fields.flags = role | NeighbourFlag.override | (message.isProbe ? 0 : NeighbourFlag.solicited);
    copyIpv6(memory, message.targetOffset, fields.target, 0);
    copyIpv6(memory, message.targetOffset, fields.source, 0);
    copyMac(wanted.virtualMac, 0, fields.linkAddress, 0);
    if (message.isProbe) {
      copyIpv6(ALL_NODES, 0, fields.destination, 0);
      copyMac(ALL_NODES_MAC, 0, destinationMac, 0);
    } else {
      copyIpv6(memory, this.ip.sourceOffset, fields.destination, 0);
      copyMac(memory, senderAt, destinationMac, 0);
    }
    const source = isGroupMac(wanted.virtualMac, 0) ? this.ownMac : wanted.virtualMac;
    const at = reply.begin(memory, offset, link, destinationMac, source, EtherType.ipv6);
    reply.length = encodeNeighbour(reply.bytes, at, fields);
  }
}
