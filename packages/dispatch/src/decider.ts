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
import type { Router } from './router.js';
import type { ServerTable } from './servers.js';
import type { ServiceTree } from './serviceTree.js';
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
}

/** Decides about one frame after the other; the part of the dispatcher that every packet goes through. */
export class Decider {
  mode: DispatchMode = 'off';
  /** Whether frames of unknown connections are kept instead of dropped. */
  isHolding = false;
  /** After the verdict `drop`: why. */
  dropReason: DropReason = DropReason.none;
  readonly reply = new Reply();
  readonly heldFrames: HoldBuffer;
  readonly fragments: Fragments;

  private readonly tree: ServiceTree;
  private readonly servers: ServerTable;
  private readonly router: Router;
  private readonly counters: Float64Array;
  private readonly ownMac: Uint8Array;
  private readonly headroomBytes: number;
  private readonly link = new LinkHeader();
  /** Of a frame that had tags: bytes of them that were taken off. */
  private strippedBytes = 0;
  private readonly reader: FlowReader;
  private readonly flow: Flow;
  private readonly arp: ArpResponder;
  private readonly neighbours: NeighbourResponder;

  constructor(parts: DeciderParts) {
    const { tree, servers, router, counters, ownMac, seed, holdBytes, headroomBytes } = parts;
    this.tree = tree;
    this.servers = servers;
    this.router = router;
    this.counters = counters;
    this.ownMac = ownMac;
    this.headroomBytes = headroomBytes;
    this.reader = new FlowReader(tree);
    this.flow = this.reader.flow;
    this.arp = new ArpResponder(tree, ownMac, counters, this.reply);
    this.neighbours = new NeighbourResponder(tree, ownMac, counters, this.reply);
    this.heldFrames = new HoldBuffer(holdBytes, headroomBytes);
    this.fragments = new Fragments(servers, seed, headroomBytes);
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
    const isOurs = this.tree.isVirtualMac(memory, offset);
    if (mode === 'stray') return isOurs ? this.decideStray(memory, offset, length, nowMs) : Verdict.ignore;
    // What nearly every frame is takes the shortest way.
    if (isOurs && readU16(memory, offset + 2 * MAC_BYTES) === EtherType.ipv4) {
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
    return this.decideOther(memory, offset, length, nowMs, isOurs);
  }

  /** Decides about a frame that is not untagged IPv4 to a virtual MAC. */
  private decideOther(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    isOurs: boolean,
  ): Verdict {
    const { link, neighbours } = this;
    if (!link.read(memory, offset, length)) {
      // What is cut off within its tags may be another's.
      return isOurs ? this.drop(DropReason.malformedFrame) : Verdict.ignore;
    }
    if (link.etherType === EtherType.arp) return this.decideArp(memory, offset, length);
    if (link.etherType === EtherType.ipv6 && neighbours.isNeighbourMessage(memory, offset, length, link)) {
      return this.decideNeighbour(memory, offset, length);
    }
    if (!isOurs) return Verdict.ignore;
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
    const reason = read === DropReason.none ? this.choose(length, nowMs) : read;
    if (reason === DropReason.none) return this.rewrite(memory, offset);
    return this.holdOrDrop(memory, offset, length, nowMs, reason);
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
    if (reason === DropReason.none) fragments.decide(flow, router.server, nowMs);
    else if (!this.maybeHeld(reason)) fragments.decide(flow, -1, nowMs);
    return reason;
  }

  private rewrite(memory: Uint8Array, offset: number): Verdict {
    const verdict = rewriteL42(memory, offset, this.servers, this.router.server);
    return this.link.tagBytes === 0 ? verdict : this.untagLocal(memory, offset, verdict);
  }

  /** Takes the tags off a frame that is delivered locally: nobody listens for them on `lo`. */
  private untagLocal(memory: Uint8Array, offset: number, verdict: Verdict): Verdict {
    const { tagBytes } = this.link;
    this.strippedBytes = verdict === Verdict.local ? tagBytes : 0;
    if (this.strippedBytes > 0) stripTags(memory, offset, tagBytes, this.headroomBytes);
    return verdict;
  }

  private holdOrDrop(
    memory: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    reason: DropReason,
  ): Verdict {
    if (reason === DropReason.fragment) {
      const waits = this.fragments.wait(memory, offset, length, this.flow, nowMs);
      return waits ? Verdict.hold : this.drop(reason);
    }
    return this.maybeHeld(reason) ? this.holdFrame(memory, offset, length) : this.drop(reason);
  }

  private maybeHeld(reason: DropReason): boolean {
    return this.isHolding && (reason === DropReason.unknownConnection || reason === DropReason.noServer);
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
  private decideStray(memory: Uint8Array, offset: number, length: number, nowMs: number): Verdict {
    // A tap may see what was passed on: it must not go round.
    if (macEquals(memory, offset + MAC_BYTES, this.ownMac, 0)) return Verdict.ignore;
    if (this.knowsStray(memory, offset, length, nowMs)) {
      const verdict = this.rewrite(memory, offset);
      // Not from the virtual MAC, or the switch would learn that it is here again.
      if (verdict === Verdict.forward) copyMac(this.ownMac, 0, memory, offset + MAC_BYTES);
      return verdict;
    }
    // What a member has passed on is not passed on again: where several have just abdicated and the switch floods what it
    // has not learned, each would send on what the others send, for ever.
    if (this.servers.isMember(memory, offset + MAC_BYTES)) return Verdict.ignore;
    // Right after a hand-over the switch may still think that the virtual MAC is here: what is sent to it would be lost.
    if (this.isHolding) return this.holdFrame(memory, offset, length);
    this.counters[Counter.passedOn]++;
    return passOn(memory, offset, this.ownMac);
  }

  /** Whether a stray frame's connection is known; its server is then chosen. */
  private knowsStray(memory: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const { link, reader, router, fragments, flow } = this;
    if (!link.read(memory, offset, length)) return false;
    if (reader.read(memory, offset, length, link) !== DropReason.none) return false;
    if (flow.kind === FlowKind.echo) return false;
    if (flow.isFragment && fragments.admit(flow, nowMs) !== DropReason.none) return false;
    if (flow.kind === FlowKind.laterFragment) {
      router.server = fragments.server;
      return true;
    }
    if (!router.routeKnown(flow, length, nowMs)) return false;
    if (flow.isFragment) fragments.decide(flow, router.server, nowMs);
    return true;
  }

  private drop(reason: DropReason): Verdict {
    this.dropReason = reason;
    return Verdict.drop;
  }
}
