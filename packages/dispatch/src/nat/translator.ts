import { copyMac, isGroupMac, isZeroMac, MAC_BYTES, macEquals } from 'libnetraw/wire';
import { type Flow, FlowKind } from '../flow/flow.js';
import type { Reply } from '../neighbours/reply.js';
import type { ServerTable } from '../servers.js';
import type { Cluster, OwnedAddress } from '../cluster.js';
import { DropReason, Verdict } from '../verdicts.js';
import { AnswerLimit } from './answerLimit.js';
import { FlowPlaces } from './flowPlaces.js';
import { hopsOf, takeHop } from './hops.js';
import { IcmpAnswers, IcmpError } from './icmpAnswer.js';
import type { NextHops } from './nextHops.js';
import { Side } from './packet.js';
import { type End, translate, translateError } from './translate.js';
import { OffloadReader } from './vnet.js';

/** What a translator works with. */
export interface TranslatorParts {
  readonly servers: ServerTable;
  readonly nextHops: NextHops;
  readonly reply: Reply;
  readonly ownMac: Uint8Array;
  readonly headroomBytes: number;
  /** Largest IP packets on the servers' and on the clients' side. */
  readonly mtuBytes: { readonly inner: number; readonly outer: number };
}

/**
 * L4/3: what a router does with a packet, and the exchange of addresses. Its connection has been found; here it is
 * rewritten where it lies, or refused with the ICMP error that tells its sender why (RFC 1812, RFC 4443).
 */
export class Translator {
  /** After the verdict `drop`: why. */
  dropReason: DropReason = DropReason.none;

  private readonly parts: TranslatorParts;
  private readonly answers: IcmpAnswers;
  private readonly limit = new AnswerLimit();
  private readonly offload: OffloadReader;
  private readonly places = new FlowPlaces();
  private readonly end: { bytes: Uint8Array; at: number; port: number } = {
    bytes: new Uint8Array(0),
    at: 0,
    port: 0,
  };
  /** Whether the packet at hand is too large for its next link, and may be cut. */
  private mustBeCut = false;

  constructor(parts: TranslatorParts) {
    this.parts = parts;
    this.answers = new IcmpAnswers(parts.reply);
    this.offload = new OffloadReader(parts.headroomBytes);
  }

  /**
   * Sends a client's packet to the server in `slot`: its address and `port` in the destination's place.
   * @param port the server's; 0 leaves it
   */
  toServer(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    slot: number,
    port: number,
    nowMs: number,
  ): Verdict {
    const { servers, mtuBytes } = this.parts;
    const { cluster } = flow;
    const isLocal = servers.local[slot] === 1;
    const mtu = isLocal ? Infinity : mtuBytes.inner;
    if (!this.mayGoOn(memory, offset, flow, mtu))
      return this.refuse(memory, offset, flow, mtu, cluster, nowMs);
    this.setEnd(servers.addressBytes, servers.addressAt(slot, flow.family), port);
    this.rewrite(memory, offset, flow, Side.destination);
    const gateway = cluster.gateway as OwnedAddress;
    copyMac(gateway.virtualMac, 0, memory, offset + MAC_BYTES);
    if (isLocal) {
      memory.fill(0, offset, offset + MAC_BYTES);
      return Verdict.local;
    }
    const macAt = slot * MAC_BYTES;
    if (this.mustBeCut || isZeroMac(servers.macs, macAt)) return Verdict.resolve;
    copyMac(servers.macs, macAt, memory, offset);
    return Verdict.forward;
  }

  /**
   * Sends a server's packet to a client: the cluster's address and `port` in the source's place.
   * @param hop the number of the next hop, 0 when it is not known
   */
  toClient(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    cluster: Cluster,
    hop: number,
    nowMs: number,
  ): Verdict {
    const mtu = this.parts.mtuBytes.outer;
    const gateway = cluster.gateway as OwnedAddress;
    if (!this.mayGoOn(memory, offset, flow, mtu))
      return this.refuse(memory, offset, flow, mtu, gateway, nowMs);
    this.setEnd(cluster.addressBytes, 0, flow.port);
    this.rewrite(memory, offset, flow, Side.source);
    copyMac(cluster.virtualMac, 0, memory, offset + MAC_BYTES);
    if (this.mustBeCut || hop === 0) return Verdict.resolve;
    copyMac(this.parts.nextHops.macs, hop * MAC_BYTES, memory, offset);
    return Verdict.outward;
  }

  /** Passes on what a server sends in its own name, as a router would: nothing is rewritten. */
  plain(memory: Uint8Array, offset: number, flow: Flow, gateway: OwnedAddress, nowMs: number): Verdict {
    const mtu = this.parts.mtuBytes.outer;
    if (!this.mayGoOn(memory, offset, flow, mtu))
      return this.refuse(memory, offset, flow, mtu, gateway, nowMs);
    takeHop(memory, this.places.packet);
    return Verdict.resolve;
  }

  /**
   * L4/2, where the servers' link is narrower than the clients': nothing is rewritten, but a packet that does not fit is
   * refused as a router would. `undefined` for one that fits; one that might be cut is dropped, since nobody here can: the
   * address it is for is this host's own.
   */
  refuseDirect(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    slot: number,
    nowMs: number,
  ): Verdict | undefined {
    const { servers, mtuBytes } = this.parts;
    if (servers.local[slot] === 1) return undefined;
    const { places, offload } = this;
    places.read(memory, flow);
    offload.read(memory, offset);
    if (offload.wireBytes(memory, places.packet) <= mtuBytes.inner) return undefined;
    if (places.mayBeCut) return this.drop(DropReason.tooBig);
    return this.tell(memory, offset, flow, IcmpError.tooBig, mtuBytes.inner, flow.cluster, nowMs);
  }

  /** Answers a ping of a cluster address or gateway. */
  echo(memory: Uint8Array, offset: number, flow: Flow): Verdict {
    this.places.read(memory, flow);
    if (isGroupMac(memory, offset + MAC_BYTES)) return this.drop(DropReason.spoofed);
    if (!this.answers.echo(memory, offset, this.places.packet)) return this.drop(DropReason.tooBig);
    return this.send(memory, offset);
  }

  /** Reads the packet, and whether it has hops left and fits the next link, or can be made to. */
  private mayGoOn(memory: Uint8Array, offset: number, flow: Flow, mtu: number): boolean {
    const { places, offload } = this;
    places.read(memory, flow);
    offload.read(memory, offset);
    const isTooBig = offload.wireBytes(memory, places.packet) > mtu;
    this.mustBeCut = isTooBig && places.mayBeCut;
    return hopsOf(memory, places.packet) > 1 && (!isTooBig || places.mayBeCut);
  }

  /** Answers a packet that cannot go on with an error from `from`, or drops it when none may be sent. */
  private refuse(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    mtu: number,
    from: OwnedAddress,
    nowMs: number,
  ): Verdict {
    const isOver = hopsOf(memory, this.places.packet) <= 1;
    const error = isOver ? IcmpError.timeExceeded : IcmpError.tooBig;
    return this.tell(memory, offset, flow, error, isOver ? 0 : mtu, from, nowMs);
  }

  /** Tells the sender why its packet cannot go on; drops it when that may not be told. */
  private tell(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    error: IcmpError,
    mtu: number,
    from: OwnedAddress,
    nowMs: number,
  ): Verdict {
    const reason = error === IcmpError.timeExceeded ? DropReason.hopsExceeded : DropReason.tooBig;
    const mayAnswer = this.places.mayBeAnswered(memory, flow) && !isGroupMac(memory, offset + MAC_BYTES);
    if (!mayAnswer || !this.limit.take(nowMs)) return this.drop(reason);
    this.answers.error(memory, offset, this.places.packet, error, from.addressBytes, mtu);
    return this.send(memory, offset);
  }

  /** An answer to this node's own kernel, whose frames the tap sees on their way out, must not go out, too. */
  private send(memory: Uint8Array, offset: number): Verdict {
    const { reply, ownMac } = this.parts;
    if (macEquals(memory, offset + MAC_BYTES, ownMac, 0)) {
      reply.bytes.fill(0, 0, MAC_BYTES);
      reply.isLocal = true;
    }
    return Verdict.answer;
  }

  private rewrite(memory: Uint8Array, offset: number, flow: Flow, side: Side): void {
    const { packet, quoted } = this.places;
    const end: End = this.end;
    const partial = this.offload.isPartial(packet, offset);
    if (flow.kind === FlowKind.error) translateError(memory, packet, quoted, side, end, partial);
    else translate(memory, packet, side, end, partial);
    takeHop(memory, packet);
  }

  private setEnd(bytes: Uint8Array, at: number, port: number): void {
    this.end.bytes = bytes;
    this.end.at = at;
    this.end.port = port;
  }

  /** Drops the frame for this reason. */
  drop(reason: DropReason): Verdict {
    this.dropReason = reason;
    return Verdict.drop;
  }
}
