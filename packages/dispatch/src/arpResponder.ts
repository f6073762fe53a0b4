import {
  ARP_FRAME_BYTES,
  ArpHeader,
  ArpOperation,
  copyMac,
  decodeArp,
  encodeArp,
  encodeEthernet,
  ETHERNET_HEADER_BYTES,
  EtherType,
  isGroupMac,
  isZeroMac,
  MAC_BYTES,
  macEquals,
  WireStatus,
} from 'libnetraw/wire';
import { Counter } from './counters.js';
import type { Cluster, ServiceTree } from './serviceTree.js';
import { Verdict } from './verdicts.js';

/** Answers "who has the cluster address?" with its virtual MAC, which no kernel would. */
export class ArpResponder {
  /** The frame to send after the verdict `answer`. */
  readonly reply = new Uint8Array(ARP_FRAME_BYTES);

  private readonly tree: ServiceTree;
  private readonly ownMac: Uint8Array;
  private readonly counters: Float64Array;
  private readonly arp = new ArpHeader();
  private readonly fields = {
    operation: ArpOperation.reply,
    senderMac: new Uint8Array(MAC_BYTES),
    senderAddress: 0,
    targetMac: new Uint8Array(MAC_BYTES),
    targetAddress: 0,
  };

  constructor(tree: ServiceTree, ownMac: Uint8Array, counters: Float64Array) {
    this.tree = tree;
    this.ownMac = ownMac;
    this.counters = counters;
  }

  /** Decides about an ARP frame of at least 14 bytes: `answer` with `reply`, `ignore`, or `drop` as malformed. */
  respond(memory: Uint8Array, offset: number, length: number): Verdict {
    if (!isGroupMac(memory, offset) && !this.tree.isVirtualMac(memory, offset)) return Verdict.ignore;
    const { arp } = this;
    const arpOffset = offset + ETHERNET_HEADER_BYTES;
    const status = decodeArp(memory, arpOffset, length - ETHERNET_HEADER_BYTES, arp);
    if (status === WireStatus.unsupported) return Verdict.ignore;
    if (status !== WireStatus.ok) return Verdict.drop;
    const claimed = this.tree.clusterOf(arp.senderAddress);
    if (claimed !== undefined) return this.noteClaim(memory);
    const wanted = this.tree.clusterOf(arp.targetAddress);
    if (wanted === undefined || arp.operation !== ArpOperation.request) return Verdict.ignore;
    if (this.isOurs(memory)) return Verdict.ignore;
    // An answer to a group address would be one packet in, many out.
    if (isGroupMac(memory, arp.senderMacOffset) || isZeroMac(memory, arp.senderMacOffset))
      return Verdict.drop;
    this.answer(memory, wanted);
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

  private answer(memory: Uint8Array, cluster: Cluster): void {
    const { fields, arp, reply } = this;
    copyMac(cluster.virtualMac, 0, fields.senderMac, 0);
    fields.senderAddress = cluster.address;
    copyMac(memory, arp.senderMacOffset, fields.targetMac, 0);
    fields.targetAddress = arp.senderAddress;
    encodeArp(reply, encodeEthernet(reply, 0, fields.targetMac, fields.senderMac, EtherType.arp), fields);
  }
}
