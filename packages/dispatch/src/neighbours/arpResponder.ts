import {
  ArpHeader,
  ArpOperation,
  copyMac,
  decodeArp,
  encodeArp,
  EtherType,
  isGroupMac,
  isZeroMac,
  MAC_BYTES,
  macEquals,
  WireStatus,
} from 'libnetraw/wire';
import { Counter } from '../counters.js';
import type { LinkHeader } from '../flow/linkHeader.js';
import type { OwnedAddress } from '../cluster.js';
import type { ServiceTree } from '../serviceTree.js';
import { Verdict } from '../verdicts.js';
import type { Reply } from './reply.js';

/** Answers "who has this address?" about cluster addresses and ghost gateways with their virtual MAC, as no kernel would. */
export class ArpResponder {
  private readonly tree: ServiceTree;
  private readonly ownMac: Uint8Array;
  private readonly counters: Float64Array;
  private readonly reply: Reply;
  private readonly arp = new ArpHeader();
  private readonly fields = {
    operation: ArpOperation.reply,
    senderMac: new Uint8Array(MAC_BYTES),
    senderAddress: 0,
    targetMac: new Uint8Array(MAC_BYTES),
    targetAddress: 0,
  };

  constructor(tree: ServiceTree, ownMac: Uint8Array, counters: Float64Array, reply: Reply) {
    this.tree = tree;
    this.ownMac = ownMac;
    this.counters = counters;
    this.reply = reply;
  }

  /** Decides about an ARP frame: `answer` with the reply, `ignore`, or `drop` as malformed. */
  respond(memory: Uint8Array, offset: number, length: number, link: LinkHeader): Verdict {
    if (!isGroupMac(memory, offset) && !this.tree.isVirtualMac(memory, offset)) return Verdict.ignore;
    const { arp } = this;
    const { payloadOffset } = link;
    const status = decodeArp(memory, payloadOffset, offset + length - payloadOffset, arp);
    if (status === WireStatus.unsupported) return Verdict.ignore;
    if (status !== WireStatus.ok) return Verdict.drop;
    const claimed = this.tree.ownerOf(arp.senderAddress);
    if (claimed !== undefined) return this.noteClaim(memory);
    const wanted = this.tree.ownerOf(arp.targetAddress);
    if (wanted === undefined || arp.operation !== ArpOperation.request) return Verdict.ignore;
    if (this.isOurs(memory)) return Verdict.ignore;
    // An answer to a group address would be one packet in, many out.
    if (isGroupMac(memory, arp.senderMacOffset) || isZeroMac(memory, arp.senderMacOffset))
      return Verdict.drop;
    this.answer(memory, offset, link, wanted);
    return Verdict.answer;
  }

  /** Somebody says that it has a cluster address: a dispatcher's announcement, or a conflict. Neither is answered. */
  private noteClaim(memory: Uint8Array): Verdict {
    if (!this.isOurs(memory)) this.counters[Counter.arpConflict]++;
    return Verdict.ignore;
  }

  /** Whether the sender is this node or a virtual MAC, whoever dispatches it at present. */
  private isOurs(memory: Uint8Array): boolean {
    const at = this.arp.senderMacOffset;
    return macEquals(memory, at, this.ownMac, 0) || this.tree.isVirtualMac(memory, at);
  }

  private answer(memory: Uint8Array, offset: number, link: LinkHeader, wanted: OwnedAddress): void {
    const { fields, arp, reply } = this;
    copyMac(wanted.virtualMac, 0, fields.senderMac, 0);
    fields.senderAddress = arp.targetAddress;
    copyMac(memory, arp.senderMacOffset, fields.targetMac, 0);
    fields.targetAddress = arp.senderAddress;
    const source = isGroupMac(fields.senderMac, 0) ? this.ownMac : fields.senderMac;
    const at = reply.begin(memory, offset, link, fields.targetMac, source, EtherType.arp);
    reply.length = encodeArp(reply.bytes, at, fields);
  }
}
