import type { Affinity } from './balance/affinity.js';
import type { ConnectionKey } from './map/connectionKey.js';
import type { SchedulerName } from './schedulers/create.js';
import { foresee } from './schedulers/foresee.js';
import type { Scheduler } from './schedulers/scheduler.js';
import { ServerSelection, type ServerSet } from './serverSet.js';
import type { ServerTable } from './servers.js';

/** What a service is made from. */
export interface ServiceOptions {
  /** What members call it that do not have it; see `serviceName`. */
  readonly name: string;
  /** All that it is configured as: two with the same text are alike. */
  readonly recipe: string;
  /** The cluster's port. */
  readonly port: number;
  /** The servers' port; another one in L4/3 only. */
  readonly targetPort: number;
  readonly scheduler: Scheduler;
  readonly schedulerName: SchedulerName;
  /** Whether the scheduler is asked about every packet, and no connection is entered. Default false. */
  readonly isStateless?: boolean;
  /** Whether new connections are this node's own, whoever else could take them. Default false. */
  readonly isOwn?: boolean;
  /** Names of the servers that it is served by (see `serverName`); absent: by the ring. */
  readonly fixedServers?: ReadonlySet<number>;
  /** Whether a server must have an IPv6 address: packets are rewritten to it. */
  readonly wantsAddress6: boolean;
  /** Keeps the clients of a network with one server. */
  readonly affinity?: Affinity;
}

/** What a service would do with a new connection. */
export interface Foreseen {
  readonly known: number;
  readonly eligible: number;
  /** A server's slot, or -1. */
  readonly next: number;
}

/** What listens on a port of a cluster, and who serves it. */
export class Service {
  /** See `ServiceOptions`. */
  readonly recipe: string;
  readonly port: number;
  readonly targetPort: number;
  readonly isStateless: boolean;
  /** Whether servers outside the ring serve it. */
  readonly isFixed: boolean;
  readonly schedulerName: SchedulerName;
  private readonly name: string;
  private readonly isOwn: boolean;
  private table: ServerTable | undefined;
  private readonly scheduler: Scheduler;
  private readonly affinity: Affinity | undefined;
  /** Which of all servers are its own; absent: those of the ring. */
  private readonly selects: ((table: ServerTable, slot: number) => boolean) | undefined;
  private selection: ServerSelection | undefined;
  private servers: ServerSet | undefined;

  constructor(options: ServiceOptions) {
    const { port, targetPort, scheduler, isStateless = false, fixedServers, wantsAddress6 } = options;
    this.recipe = options.recipe;
    this.name = options.name;
    this.isOwn = options.isOwn ?? false;
    this.port = port;
    this.targetPort = targetPort;
    this.isStateless = isStateless;
    this.scheduler = scheduler;
    this.affinity = options.affinity;
    this.isFixed = fixedServers !== undefined;
    this.schedulerName = options.schedulerName;
    if (fixedServers === undefined && !wantsAddress6) return;
    this.selects = (table, slot) => {
      if (wantsAddress6 && table.hasAddress6[slot] === 0) return false;
      return fixedServers?.has(table.addresses[slot]) ?? table.fixed[slot] === 0;
    };
  }

  /** Whether a server is one of its own, be it active or not. */
  isServedBy(table: ServerTable, slot: number): boolean {
    return this.selects === undefined ? table.fixed[slot] === 0 : this.selects(table, slot);
  }

  /** The servers, their weights or who is active have changed. Not on the packet path. */
  update(table: ServerTable): void {
    this.table = table;
    this.servers = this.selects === undefined && table.lacking.size === 0 ? table : this.selectFrom(table);
    this.scheduler.update(this.servers);
  }

  private ownSlot(): number {
    const { table } = this;
    return table !== undefined && table.localSlot >= 0 && table.takesConnections(table.localSlot)
      ? table.localSlot
      : -1;
  }

  private selectFrom(table: ServerTable): ServerSet {
    const has = (slot: number): boolean => table.lacking.get(slot)?.has(this.name) !== true;
    this.selection ??= new ServerSelection(table, (_, slot) => this.isServedBy(table, slot) && has(slot));
    this.selection.refresh();
    return this.selection;
  }

  /**
   * The slot of the server for a new connection, or -1 when none takes it.
   * @param client the client's address as the scheduler wants it, unsigned
   */
  choose(client: number): number {
    if (this.isOwn) return this.ownSlot();
    return this.servers === undefined ? -1 : this.scheduler.choose(this.servers, client);
  }

  /**
   * The same for a connection that begins now: where the port has affinity, the server of the client's network.
   * @param key whose client words are read
   */
  open(key: ConnectionKey, family: 4 | 6, client: number, nowMs: number): number {
    const { affinity, servers, isOwn } = this;
    if (affinity === undefined || servers === undefined || isOwn) return this.choose(client);
    const network = affinity.networkOf(key, family);
    let slot = affinity.find(network, servers, nowMs);
    if (slot < 0) slot = this.choose(client);
    if (slot >= 0) affinity.note(network, slot, nowMs);
    return slot;
  }

  /** A server has reported that it has a connection of this client. */
  learn(key: ConnectionKey, family: 4 | 6, slot: number, nowMs: number): void {
    this.affinity?.learn(this.affinity.networkOf(key, family), slot, nowMs);
  }

  /**
   * How many servers it has, how many of them take new connections, and what `open` would answer now; changes nothing. Not
   * for the packet path.
   */
  foresee(key: ConnectionKey, family: 4 | 6, client: number, nowMs: number): Foreseen {
    const { servers, scheduler, affinity } = this;
    if (servers === undefined) return { known: 0, eligible: 0, next: -1 };
    const { knownCount: known, eligibleCount: eligible } = servers;
    if (this.isOwn) return { known, eligible, next: this.ownSlot() };
    const kept = affinity?.find(affinity.networkOf(key, family), servers, nowMs) ?? -1;
    return { known, eligible, next: kept < 0 ? foresee(scheduler, servers, client) : kept };
  }
}
