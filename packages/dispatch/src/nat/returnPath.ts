import { MAC_BYTES } from 'libnetraw/wire';
import { FlowKind } from '../flow/flow.js';
import type { LinkHeader } from '../flow/linkHeader.js';
import type { Fragments } from '../fragments/fragments.js';
import type { ConnectionMaps } from '../map/connectionMaps.js';
import type { ServerTable } from '../servers.js';
import type { Cluster, OwnedAddress } from '../cluster.js';
import type { ServiceTree } from '../serviceTree.js';
import { DropReason, type Verdict } from '../verdicts.js';
import type { ReturnFlow } from './returnFlow.js';
import { ReturnReader } from './returnReader.js';
import { ReturnRouter } from './returnRouter.js';
import type { Translator } from './translator.js';

/** What the way back works with. */
export interface ReturnPathParts {
  readonly tree: ServiceTree;
  readonly servers: ServerTable;
  readonly maps: ConnectionMaps;
  readonly fragments: Fragments;
  readonly translator: Translator;
  readonly counters: Float64Array;
}

/**
 * L4/3, the way back: what servers send to a ghost gateway. Answers of a service go on in the cluster's name; what a server
 * sends in its own name - it calls somebody, or was called at its own address - goes on as through any router.
 *
 * `choose` first, then as it says: `send`, or `pass`, or hold or drop.
 */
export class ReturnPath {
  readonly flow: ReturnFlow;

  private readonly parts: ReturnPathParts;
  private readonly reader: ReturnReader;
  private readonly router: ReturnRouter;
  /** In whose name the frame at hand is to go on; `undefined`: the server's own. */
  private cluster: Cluster | undefined;
  private hop = 0;

  constructor(parts: ReturnPathParts) {
    this.parts = parts;
    this.reader = new ReturnReader(parts.tree, parts.servers);
    this.router = new ReturnRouter(parts.maps, parts.servers, parts.counters);
    this.flow = this.reader.flow;
  }

  /** See `ReturnRouter`. */
  set mayAdopt(may: boolean) {
    this.router.mayAdopt = may;
  }

  /** Looks at a frame to a gateway's virtual MAC: `none` when it can be sent on, or why not. */
  choose(memory: Uint8Array, offset: number, length: number, link: LinkHeader, nowMs: number): DropReason {
    const { flow, reader, parts } = this;
    const reason = reader.read(memory, offset, length, link);
    if (reason !== DropReason.none || flow.kind === FlowKind.echo) return reason;
    if (!flow.isFragment) return this.route(memory, offset, length, nowMs);
    const admitted = parts.fragments.admit(flow, nowMs);
    if (admitted !== DropReason.none) return admitted;
    if (flow.kind === FlowKind.laterFragment) {
      return this.follow(parts.fragments.way);
    }
    return this.route(memory, offset, length, nowMs);
  }

  /** Rewrites the frame for which `choose` has found a way; `answer` or `drop` when it cannot go on after all. */
  send(memory: Uint8Array, offset: number, nowMs: number): Verdict {
    const { flow, cluster, parts } = this;
    const { translator } = parts;
    if (flow.kind === FlowKind.echo) return translator.echo(memory, offset, flow);
    if (flow.isFragment && flow.kind !== FlowKind.laterFragment) {
      parts.fragments.decide(flow, flow.sender, this.way, nowMs);
    }
    if (cluster === undefined) {
      const gateway = parts.tree.ownerOfMac(memory, offset) as OwnedAddress;
      return translator.plain(memory, offset, flow, gateway, nowMs);
    }
    return translator.toClient(memory, offset, flow, cluster, this.hop, nowMs);
  }

  /** Notes that the frame, of no known connection, goes on in its server's own name. False: its sender is no server. */
  pass(memory: Uint8Array, offset: number): boolean {
    const { servers } = this.parts;
    const slot = servers.slotAt(this.flow.family, memory, this.flow.senderAt);
    if (slot < 0) return false;
    servers.learnMac(slot, memory, offset + MAC_BYTES);
    this.cluster = undefined;
    return true;
  }

  /** Notes that the later fragments of the frame, a first one, are to be dropped like it. */
  refuseFragments(nowMs: number): void {
    const { flow, parts } = this;
    if (flow.isFragment && flow.kind !== FlowKind.laterFragment) parts.fragments.decide(flow, -1, 0, nowMs);
  }

  private route(memory: Uint8Array, offset: number, length: number, nowMs: number): DropReason {
    const { flow, router, parts } = this;
    if (flow.kind === FlowKind.plain) {
      return this.pass(memory, offset) ? DropReason.none : DropReason.unknownSender;
    }
    const reason = router.route(flow, memory, length, nowMs);
    if (reason !== DropReason.none) return reason;
    // An error may come from a router on the way, whose MAC is not the server's.
    if (flow.kind === FlowKind.packet) parts.servers.learnMac(router.server, memory, offset + MAC_BYTES);
    this.cluster = flow.cluster;
    this.hop = router.hop;
    return DropReason.none;
  }

  /** What the later fragments of a packet need to know: in whose name, and where to. 0: its server's own. */
  private get way(): number {
    return this.cluster === undefined ? 0 : ((this.cluster.index + 1) << 8) | this.hop;
  }

  private follow(way: number): DropReason {
    this.hop = way & 0xff;
    this.cluster = way === 0 ? undefined : this.parts.tree.clusterNumbered((way >>> 8) - 1);
    return way === 0 || this.cluster !== undefined ? DropReason.none : DropReason.noService;
  }
}
