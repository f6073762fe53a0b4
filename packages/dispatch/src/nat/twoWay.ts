import { MAC_BYTES } from 'libnetraw/wire';
import { type Flow, FlowKind } from '../flow/flow.js';
import type { LinkHeader } from '../flow/linkHeader.js';
import type { Fragments } from '../fragments/fragments.js';
import type { ConnectionMaps } from '../map/connectionMaps.js';
import type { Reply } from '../neighbours/reply.js';
import type { ServerTable } from '../servers.js';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason, type Verdict } from '../verdicts.js';
import { NextHops } from './nextHops.js';
import type { ReturnFlow } from './returnFlow.js';
import { ReturnPath } from './returnPath.js';
import { Translator } from './translator.js';

/**
 * For how long after a rebuild what a service's port sends, and nobody knows, is dropped: its server may not have been heard
 * yet, and a client that gets its packets in the server's own name would reset the connection.
 */
export const LEARNING_MS = 3000;

/**
 * For how long after a rebuild what a server outside the ring sends makes its connection known. Not for ever: who has called
 * such a server at its own address would be answered in the cluster's name.
 */
export const ADOPTING_MS = 60_000;

/** What L4/3 works with. */
export interface TwoWayParts {
  readonly tree: ServiceTree;
  readonly servers: ServerTable;
  readonly maps: ConnectionMaps;
  readonly fragments: Fragments;
  readonly reply: Reply;
  readonly ownMac: Uint8Array;
  readonly headroomBytes: number;
  /** Largest IP packets on the servers' and on the clients' side. */
  readonly mtuBytes: { readonly inner: number; readonly outer: number };
  readonly counters: Float64Array;
}

/** L4/3: clients' packets to servers at their own addresses, and the servers' answers back in the cluster's name. */
export class TwoWay {
  private readonly parts: TwoWayParts;
  private readonly nextHops: NextHops;
  private readonly translator: Translator;
  private readonly returnPath: ReturnPath;
  /** Whether the rebuild has ended only lately, and when. */
  private isLearning = false;
  private isAdopting = false;
  private rebuiltMs = 0;

  constructor(parts: TwoWayParts) {
    const { tree, servers, maps, ownMac } = parts;
    this.parts = parts;
    this.nextHops = new NextHops({ tree, servers, ownMac, uses: maps.tally.byHop });
    const { nextHops } = this;
    this.translator = new Translator({ ...parts, nextHops });
    const { translator } = this;
    this.returnPath = new ReturnPath({ ...parts, translator });
  }

  /** After the verdict `drop`: why. */
  get dropReason(): DropReason {
    return this.translator.dropReason;
  }

  /** What the last frame of a server was found to be. */
  get returnFlow(): ReturnFlow {
    return this.returnPath.flow;
  }

  /** MACs of the next hops towards clients, six bytes a number. */
  get hopMacs(): Uint8Array {
    return this.nextHops.macs;
  }

  /** Frames are no longer held: the servers have reported, or were given the time to. */
  noteRebuilt(nowMs: number): void {
    this.isLearning = true;
    this.isAdopting = true;
    this.rebuiltMs = nowMs;
  }

  /** Answers a ping of the cluster address, which in L4/3 is on no host. */
  echo(memory: Uint8Array, offset: number, flow: Flow): Verdict {
    return this.translator.echo(memory, offset, flow);
  }

  /**
   * Sends a client's packet to a server, and notes where the client's frames come from.
   *
   * @param server slot of the server
   * @param slot that of the connection in its map, or -1
   */
  toServer(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    server: number,
    slot: number,
    nowMs: number,
  ): Verdict {
    const { tree, maps } = this.parts;
    if (flow.kind === FlowKind.laterFragment) {
      return this.translator.toServer(memory, offset, flow, server, 0, nowMs);
    }
    if (flow.kind === FlowKind.packet && slot >= 0) {
      this.nextHops.learn(maps.of(flow.family), slot, memory, offset + MAC_BYTES);
    }
    const service = tree.serviceOf(flow.cluster, flow.protocol, flow.port);
    // The configuration has changed, and this is about to be forgotten.
    if (service === undefined) return this.translator.drop(DropReason.noService);
    return this.translator.toServer(memory, offset, flow, server, service.targetPort, nowMs);
  }

  /** L4/2: what becomes of a packet that is too big for the servers' link; `undefined` for one that is not. */
  refuseDirect(
    memory: Uint8Array,
    offset: number,
    flow: Flow,
    server: number,
    nowMs: number,
  ): Verdict | undefined {
    return this.translator.refuseDirect(memory, offset, flow, server, nowMs);
  }

  /** Looks at a server's frame: `none` when {@link send} can send it on, or why not. */
  choose(
    memory: Uint8Array,
    offset: number,
    length: number,
    link: LinkHeader,
    isHolding: boolean,
    nowMs: number,
  ): DropReason {
    const { returnPath } = this;
    if (this.isAdopting && (nowMs - this.rebuiltMs) >>> 0 > ADOPTING_MS) this.isAdopting = false;
    returnPath.mayAdopt = isHolding || this.isAdopting;
    const reason = returnPath.choose(memory, offset, length, link, nowMs);
    const isOwn = reason === DropReason.unknownConnection && !isHolding && !this.isStillLearning(nowMs);
    if (isOwn) return returnPath.pass(memory, offset) ? DropReason.none : DropReason.unknownSender;
    // What is held, or waits for its first fragment, is decided later.
    const isPending = isHolding || reason === DropReason.none || reason === DropReason.fragment;
    if (!isPending) returnPath.refuseFragments(nowMs);
    return reason;
  }

  /** The same, where another dispatches by now: what is not known is for that one to judge. */
  isKnown(memory: Uint8Array, offset: number, length: number, link: LinkHeader, nowMs: number): boolean {
    const { returnPath } = this;
    returnPath.mayAdopt = false;
    const reason = returnPath.choose(memory, offset, length, link, nowMs);
    return reason === DropReason.none && returnPath.flow.kind !== FlowKind.echo;
  }

  /** Sends on the frame that was looked at last; `answer` or `drop` when it cannot go on after all. */
  send(memory: Uint8Array, offset: number, nowMs: number): Verdict {
    return this.returnPath.send(memory, offset, nowMs);
  }

  private isStillLearning(nowMs: number): boolean {
    if (this.isLearning && (nowMs - this.rebuiltMs) >>> 0 > LEARNING_MS) this.isLearning = false;
    return this.isLearning;
  }
}
