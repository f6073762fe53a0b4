import { copyMac, ETHERNET_HEADER_BYTES, EtherType, MAC_BYTES, macEquals, readU16 } from 'libnetraw/wire';
import { Counter } from './counters.js';
import { type Flow, FlowKind } from './flow/flow.js';
import { FlowReader } from './flow/flowReader.js';
import { LinkHeader } from './flow/linkHeader.js';
import { Fragments } from './fragments/fragments.js';
import { HoldBuffer } from './holdBuffer.js';
import { passOn, rewriteL42 } from './l42.js';
import { ArpResponder } from './neighbours/arpResponder.js';
import { NeighbourResponder } from './neighbours/neighbourResponder.js';
import { Reply } from './neighbours/reply.js';
import type { DispatchMode } from './options.js';
import type { ConnectionMaps } from './map/connectionMaps.js';
import { TwoWay } from './nat/twoWay.js';
import type { Router } from './router.js';
import type { ServerTable } from './servers.js';
import { MacRole, type ServiceTree } from './serviceTree.js';
import { stripTags } from './vlan.js';
import { DropReason, Verdict } from './verdicts.js';

/** What a decider works with. */
export interface DeciderParts {
  tree: ServiceTree;
  servers: ServerTable;
  router: Router;
  counters: Float64Array;
  ownMac: Uint8Array;
  seed: number;
  holdBytes: number;
  headroomBytes: number;
  maps: ConnectionMaps;
  /** Largest IP packets on the servers' and on the clients' side. */
  mtuBytes: { readonly inner: number; readonly outer: number };
}

/** Decides about one frame after the other; the part of the dispatcher that every packet goes through. */
export class Decider {
  mode: DispatchMode = 'off';
  /** Whether frames of unknown connections are kept instead of dropped. */
  isHolding = false;
  /** After the verdict `drop`: why. */
  dropReason: DropReason = DropReason.none;
  readonly reply: Reply;
  readonly heldFrames: HoldBuffer;
  readonly fragments: Fragments;

  private readonly tree: ServiceTree;
  private readonly servers: ServerTable;
  private readonly router: Router;
  private readonly counters: Float64Array;
  private readonly ownMac: Uint8Array;
  private readonly headroomBytes: number;
  /** Whether what clients may send can be too big for the servers' link. */
  private readonly isNarrowInside: boolean;
  private readonly link = new LinkHeader();
  /** Of a frame that had tags: bytes of them that were taken off. */
  private strippedBytes = 0;
  private readonly reader: FlowReader;
  private readonly flow: Flow;
  private readonly arp: ArpResponder;
  private readonly neighbours: NeighbourResponder;
  private readonly twoWay: TwoWay;

  constructor(parts: DeciderParts) {
    const { tree, servers, router, counters, ownMac, seed, holdBytes, headroomBytes, mtuBytes } = parts;
    this.tree = tree;
    this.servers = servers;
    this.router = router;
    this.counters = counters;
    this.ownMac = ownMac;
    this.headroomBytes = headroomBytes;
    this.isNarrowInside = mtuBytes.inner < mtuBytes.outer;
    this.reply = new Reply(Math.max(mtuBytes.inner, mtuBytes.outer));
    this.reader = new FlowReader(tree);
    this.flow = this.reader.flow;
    this.arp = new ArpResponder(tree, ownMac, counters, this.reply);
    this.neighbours = new NeighbourResponder(tree, ownMac, counters, this.reply);
    this.heldFrames = new HoldBuffer(holdBytes, headroomBytes);
    this.fragments = new Fragments(servers, seed, headroomBytes);
    const { reply, fragments } = this;
    this.twoWay = new TwoWay({ ...parts, reply, fragments });
  }

  /** Keeps frames of unknown connections from now on, or not any more. */
  hold(on: boolean, nowMs: number): void {
    if (this.isHolding && !on) this.twoWay.noteRebuilt(nowMs);
    this.isHolding = on;
  }

  /** See `TwoWay.hopMacs`. */
  get hopMacs(): Uint8Array {
    return this.twoWay.hopMacs;
  }

  /** How many bytes at the front of a frame are not to be sent: tags that were taken off. */
  get skipBytes(): number {
    return this.link.tagBytes === 0 ? 0 : this.strippedBytes;
  }

  /** Decides about the frame of `length` bytes at `offset`, and rewrites it in place when it is to be sent. */
  decide(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    const { mode } = this;
    if (mode === 'off') return Verdict.ignore;
    if (length < ETHERNET_HEADER_BYTES) return this.drop(DropReason.malformedFrame);
    const role = this.tree.macRole(memory, offset);
    if (mode === 'stray') {
      return role === MacRole.none ? Verdict.ignore : this.decideStray(memory, offset, length, nowMs, role);
    }
    // What nearly every frame is takes the shortest way.
    if (role === MacRole.cluster && readU16(memory, offset + 2 * MAC_BYTES) === EtherType.ipv4) {
      this.link.tagBytes = 0;
      const reason = this.reader.ipv4.read(
        memory,
        offset,
        offset + ETHERNET_HEADER_BYTES,
        length - ETHERNET_HEADER_BYTES,
        this.flow,
      );
      return this.decidePacket(memory, offset, length, nowMs, reason);
    }
    return this.decideOther(memory, offset, length, nowMs, role);
  }

  /** Decides about a frame that is not untagged IPv4 to a cluster's virtual MAC. */
  private decideOther(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    role: MacRole,
  ): Verdict {
    const { link, neighbours } = this;
    if (!link.read(memory, offset, length)) {
      // What is cut off within its tags may be another's.
      return role === MacRole.none ? Verdict.ignore : this.drop(DropReason.malformedFrame);
    }
    if (link.etherType === EtherType.arp) return this.decideArp(memory, offset, length);
    if (link.etherType === EtherType.ipv6 && neighbours.isNeighbourMessage(memory, offset, length, link)) {
      return this.decideNeighbour(memory, offset, length);
    }
    if (role === MacRole.none) return Verdict.ignore;
    if (role === MacRole.gateway) return this.decideReturn(memory, offset, length, nowMs);
    return this.decidePacket(memory, offset, length, nowMs, this.reader.read(memory, offset, length, link));
  }

  /** Decides about a packet that was read with this result. */
  private decidePacket(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    read: DropReason,
  ): Verdict {
    const { flow } = this;
    if (read === DropReason.none && flow.kind === FlowKind.echo && flow.cluster.gateway !== undefined) {
      return this.settle(memory, offset, this.twoWay.echo(memory, offset, flow));
    }
    const reason = read === DropReason.none ? this.choose(length, nowMs) : read;
    if (reason === DropReason.none) return this.rewrite(memory, offset, nowMs);
    return this.holdOrDrop(memory, offset, length, nowMs, reason, flow);
  }

  /** L4/3: decides about a frame to a ghost gateway's virtual MAC. */
  private decideReturn(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    const { twoWay, link, isHolding } = this;
    const reason = twoWay.choose(memory, offset, length, link, isHolding, nowMs);
    if (reason === DropReason.none) return this.settle(memory, offset, twoWay.send(memory, offset, nowMs));
    return this.holdOrDrop(memory, offset, length, nowMs, reason, twoWay.returnFlow);
  }

  private choose(length: number, nowMs: number): DropReason {
    const { router, flow } = this;
    if (flow.isFragment) return this.chooseForFragment(length, nowMs);
    if (flow.kind === FlowKind.packet) return router.route(flow, length, nowMs);
    return flow.kind === FlowKind.echo ? router.routeEcho() : router.routeError(flow);
  }

  /** The first fragment of a packet is decided like a whole one; the others follow it. */
  private chooseForFragment(length: number, nowMs: number): DropReason {
    const { router, fragments, flow } = this;
    const admitted = fragments.admit(flow, nowMs);
    if (admitted !== DropReason.none) return admitted;
    if (flow.kind === FlowKind.laterFragment) {
      router.server = fragments.server;
      return DropReason.none;
    }
    flow.isFragment = false;
    const reason = this.choose(length, nowMs);
    flow.isFragment = true;
    if (reason === DropReason.none) fragments.decide(flow, router.server, 0, nowMs);
    else if (!this.maybeHeld(reason)) fragments.decide(flow, -1, 0, nowMs);
    return reason;
  }

  private rewrite(memory: Uint8Array, offset: number, nowMs: number): Verdict {
    const { flow, router } = this;
    const { server, slot } = router;
    const verdict =
      flow.cluster.gateway === undefined
        ? this.toServerDirectly(memory, offset, server, nowMs)
        : this.twoWay.toServer(memory, offset, flow, server, slot, nowMs);
    return this.settle(memory, offset, verdict);
  }

  private toServerDirectly(memory: Uint8Array, offset: number, server: number, nowMs: number): Verdict {
    const refusal = this.isNarrowInside
      ? this.twoWay.refuseDirect(memory, offset, this.flow, server, nowMs)
      : undefined;
    return refusal ?? rewriteL42(memory, offset, this.servers, server, this.ownMac);
  }

  /** What follows from what became of a frame. */
  private settle(memory: Uint8Array, offset: number, verdict: Verdict): Verdict {
    if (verdict === Verdict.drop) this.dropReason = this.twoWay.dropReason;
    return this.link.tagBytes === 0 ? verdict : this.untag(memory, offset, verdict);
  }

  /** Takes the tags off a frame that is for this host: nobody listens for them on `lo`, and its routing knows none. */
  private untag(memory: Uint8Array, offset: number, verdict: Verdict): Verdict {
    const { tagBytes } = this.link;
    const isForHost = verdict === Verdict.local || verdict === Verdict.resolve;
    this.strippedBytes = isForHost ? tagBytes : 0;
    if (isForHost) stripTags(memory, offset, tagBytes, this.headroomBytes);
    return verdict;
  }

  private holdOrDrop(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    reason: DropReason,
    flow: Flow,
  ): Verdict {
    if (reason === DropReason.fragment) {
      const waits = this.fragments.wait(memory, offset, length, flow, nowMs);
      return waits ? Verdict.hold : this.drop(reason);
    }
    return this.maybeHeld(reason) ? this.holdFrame(memory, offset, length) : this.drop(reason);
  }

  private maybeHeld(reason: DropReason): boolean {
    if (!this.isHolding) return false;
    return (
      reason === DropReason.unknownConnection ||
      reason === DropReason.noServer ||
      reason === DropReason.wrongServer
    );
  }

  private holdFrame(memory: Uint8Array, offset: number, length: number): Verdict {
    return this.heldFrames.offer(memory, offset, length) ? Verdict.hold : this.drop(DropReason.holdFull);
  }

  private decideArp(memory: Uint8Array, offset: number, length: number): Verdict {
    const verdict = this.arp.respond(memory, offset, length, this.link);
    return verdict === Verdict.drop ? this.drop(DropReason.malformedArp) : verdict;
  }

  private decideNeighbour(memory: Uint8Array, offset: number, length: number): Verdict {
    const verdict = this.neighbours.respond(memory, offset, length, this.link);
    return verdict === Verdict.drop ? this.drop(DropReason.malformedNeighbour) : verdict;
  }

  /** A frame to a virtual MAC that has come to who is no longer the dispatcher. */
  private decideStray(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    role: MacRole,
  ): Verdict {
    // A tap may see what was passed on, or what this node's kernel sends: it must not go round.
    if (macEquals(memory, offset + MAC_BYTES, this.ownMac, 0)) return Verdict.ignore;
    const isReturn = role === MacRole.gateway;
    const isReadable = this.link.read(memory, offset, length);
    const verdict = isReadable ? this.decideKnown(memory, offset, length, nowMs, isReturn) : Verdict.ignore;
    // Not from the virtual MAC, or the switch would learn that it is here again.
    const isSent = verdict === Verdict.forward || verdict === Verdict.outward;
    if (isSent) copyMac(this.ownMac, 0, memory, offset + MAC_BYTES);
    if (verdict !== Verdict.ignore) return verdict;
    // What a member has passed on is not passed on again: where several have just abdicated and the switch floods what it
    // has not learned, each would send on what the others send, for ever.
    if (this.wasPassedOn(memory, offset, isReturn && isReadable)) return Verdict.ignore;
    // Right after a hand-over the switch may still think that the virtual MAC is here: what is sent to it would be lost.
    if (this.isHolding) return this.holdFrame(memory, offset, length);
    this.counters[Counter.passedOn]++;
    this.strippedBytes = 0;
    passOn(memory, offset, this.ownMac);
    return isReturn ? Verdict.forward : Verdict.outward;
  }

  /** Sends on a stray frame if its connection is known; else `ignore`. */
  private decideKnown(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    isReturn: boolean,
  ): Verdict {
    const { link, twoWay } = this;
    if (!isReturn) {
      const isKnown = this.knowsStray(memory, offset, length, nowMs);
      return isKnown ? this.rewrite(memory, offset, nowMs) : Verdict.ignore;
    }
    if (!twoWay.isKnown(memory, offset, length, link, nowMs)) return Verdict.ignore;
    return this.settle(memory, offset, twoWay.send(memory, offset, nowMs));
  }

  /** Whether a stray frame comes from another who has just abdicated. */
  private wasPassedOn(memory: Uint8Array, offset: number, isReturn: boolean): boolean {
    const { servers } = this;
    const macAt = offset + MAC_BYTES;
    if (!servers.isMember(memory, macAt)) return false;
    if (!isReturn) return true;
    // Servers are members, and their own frames are to be passed on.
    const { family, senderAt } = this.twoWay.returnFlow;
    const sender = senderAt === 0 ? -1 : servers.slotAt(family, memory, senderAt);
    return sender < 0 || !macEquals(memory, macAt, servers.macs, sender * MAC_BYTES);
  }

  /** Whether a stray frame's connection is known; its server is then chosen. */
  private knowsStray(memory: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const { link, reader, router, fragments, flow } = this;
    if (reader.read(memory, offset, length, link) !== DropReason.none) return false;
    if (flow.kind === FlowKind.echo) return false;
    if (flow.isFragment && fragments.admit(flow, nowMs) !== DropReason.none) return false;
    if (flow.kind === FlowKind.laterFragment) {
      router.server = fragments.server;
      return true;
    }
    if (!router.routeKnown(flow, length, nowMs)) return false;
    if (flow.isFragment) fragments.decide(flow, router.server, 0, nowMs);
    return true;
  }

  private drop(reason: DropReason): Verdict {
    this.dropReason = reason;
    return Verdict.drop;
  }
}
