import { EtherType } from 'libnetraw/wire';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason } from '../verdicts.js';
import { Flow } from './flow.js';
import { IcmpReader } from './icmpReader.js';
import { Ipv4FlowReader } from './ipv4FlowReader.js';
import { Ipv6FlowReader } from './ipv6FlowReader.js';
import { isTag, type LinkHeader } from './linkHeader.js';
import { TransportReader } from './transportReader.js';

/**
 * Reads which connection a frame belongs to. One instance reads frame after frame into its `flow`; `read` says by
 * `DropReason.none` that it is valid.
 */
export class FlowReader {
  readonly flow = new Flow();

  /** For who knows already that a frame is untagged IPv4. */
  readonly ipv4: Ipv4FlowReader;
  private readonly ipv6: Ipv6FlowReader;

  constructor(tree: ServiceTree) {
    const transport = new TransportReader();
    const icmp = new IcmpReader();
    this.ipv4 = new Ipv4FlowReader(tree, transport, icmp);
    this.ipv6 = new Ipv6FlowReader(tree, transport, icmp);
  }

  /** Reads a frame that is addressed to a virtual MAC and whose Ethernet header `link` has read. */
  read(memory: Uint8Array, offset: number, length: number, link: LinkHeader): DropReason {
    const { etherType, payloadOffset } = link;
    const ipLength = length - (payloadOffset - offset);
    if (etherType === EtherType.ipv4) {
      return this.ipv4.read(memory, offset, payloadOffset, ipLength, this.flow);
    }
    if (etherType === EtherType.ipv6) {
      return this.ipv6.read(memory, offset, payloadOffset, ipLength, this.flow);
    }
    return isTag(etherType) ? DropReason.vlanTagged : DropReason.notIp;
  }
}
