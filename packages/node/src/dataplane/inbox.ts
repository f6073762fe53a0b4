import {
  type ClusterConfig,
  ConnectionState,
  type ConnectionRow,
  type Examination,
  type Dispatcher,
  type DispatchMode,
  type ServerInfo,
} from '@ringmaster/dispatch';
import { TcpState } from 'libnetraw';
import { type IpAddress, IpProtocol, IPV6_ADDRESS_BYTES } from 'libnetraw/wire';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { SharedState } from './sharedState.js';
import type { Command, ConnectionList, EnterReport, PlaneShare, Report } from './types.js';

/** Connections entered per turn, so that packets go on in between: some hundred microseconds. */
const ENTER_CHUNK = 512;
/** Rows of a snapshot per turn: each is an object. */
const SNAPSHOT_CHUNK = 512;
/** Slots looked at per turn for connections that cannot go on: a fraction of a millisecond. */
const FORGET_CHUNK = 8192;
/** Frames examined per turn: schedulers are copied for each. */
const EXAMINE_CHUNK = 16;

/** What commands are applied to: the packet loop. */
export interface CommandTarget {
  readonly dispatcher: Dispatcher;
  setRole(role: DispatchMode): void;
  setServers(servers: readonly ServerInfo[]): void;
  setClusters(clusters: readonly ClusterConfig[]): void;
  hold(on: boolean): void;
  setShare(share: PlaneShare): void;
}

/** Commands that wait for the packet loop. */
export interface Inbox {
  /** Does a bounded piece of what is to be done; returns whether something is left. */
  step(target: CommandTarget, nowMs: number): boolean;
}

/** A command that takes several turns. Returns whether it is done. */
type Job = (target: CommandTarget, nowMs: number) => boolean;

/** Applies the main thread's commands in their order, a bounded piece a turn. */
export class CommandInbox implements Inbox {
  readonly #port: MessagePort;
  readonly #shared: SharedState;
  readonly #report: (report: Report) => void;
  #seenMail = 0;
  #job: Job | undefined;

  constructor(port: MessagePort, shared: SharedState, report: (report: Report) => void) {
    this.#port = port;
    this.#shared = shared;
    this.#report = report;
  }

  step(target: CommandTarget, nowMs: number): boolean {
    if (this.#job !== undefined) {
      if (this.#job(target, nowMs)) this.#job = undefined;
      return true;
    }
    const { mail } = this.#shared;
    if (mail === this.#seenMail) return false;
    const received = receiveMessageOnPort(this.#port) as { message: Command } | undefined;
    if (received === undefined) this.#seenMail = mail;
    else this.#apply(received.message, target);
    return true;
  }

  #apply(command: Command, target: CommandTarget): void {
    switch (command.type) {
      case 'role':
        return target.setRole(command.role);
      case 'servers':
        return target.setServers(command.servers);
      case 'clusters':
        target.setClusters(command.clusters);
        this.#job = forgetJob();
        return;
      case 'hold':
        return target.hold(command.on);
      case 'share':
        return target.setShare(command.share);
      case 'enter':
        this.#job = enterJob(command.server, command.list, (report) =>
          this.#report({ type: 'entered', id: command.id, report }),
        );
        return;
      case 'snapshot':
        this.#job = snapshotJob(command.limit, (rows) =>
          this.#report({ type: 'rows', id: command.id, rows }),
        );
        return;
      case 'examine':
        this.#job = examineJob(command.frames, (facts) =>
          this.#report({ type: 'examined', id: command.id, facts }),
        );
    }
  }
}

/** Takes out what cannot go on with other clusters. */
function forgetJob(): Job {
  let from = 0;
  return ({ dispatcher }) => {
    from = dispatcher.forgetRest(FORGET_CHUNK, from);
    return from < 0;
  };
}

function enterJob(server: number, list: ConnectionList, done: (report: EnterReport) => void): Job {
  const report: EnterReport = { entered: 0, known: 0, moved: 0, refused: 0 };
  let row = 0;
  return (target, nowMs) => {
    const end = Math.min(list.count, row + ENTER_CHUNK);
    for (; row < end; row++) report[enterRow(target, server, list, row, nowMs)] += 1;
    if (row < list.count) return false;
    done(report);
    return true;
  };
}

function enterRow(
  target: CommandTarget,
  server: number,
  list: ConnectionList,
  row: number,
  nowMs: number,
): keyof EnterReport {
  const connection = {
    serverAddress: server,
    clusterAddress: addressAt(list.localAddress, row),
    clientAddress: addressAt(list.clientAddress, row),
    clientPort: list.clientPort[row],
    port: list.localPort[row],
    protocol: IpProtocol.tcp,
    state: connectionStateOf(list.state[row]),
  };
  const result = target.dispatcher.enter(connection, nowMs);
  return result === 'entered' || result === 'known' || result === 'moved' ? result : 'refused';
}

/** The address in a row of a column of IPv4 or of IPv6 addresses. */
function addressAt(column: Uint32Array | Uint8Array, row: number): IpAddress {
  if (column instanceof Uint32Array) return column[row];
  return column.subarray(row * IPV6_ADDRESS_BYTES, (row + 1) * IPV6_ADDRESS_BYTES);
}

function snapshotJob(limit: number, done: (rows: ConnectionRow[]) => void): Job {
  const rows: ConnectionRow[] = [];
  let from = 0;
  return (target) => {
    const wanted = Math.min(SNAPSHOT_CHUNK, limit - rows.length);
    if (wanted > 0) from = target.dispatcher.snapshot(wanted, (row) => rows.push({ ...row }), from);
    if (wanted > 0 && from >= 0) return false;
    done(rows);
    return true;
  };
}

function examineJob(
  frames: readonly Uint8Array[],
  done: (facts: readonly (Examination | undefined)[]) => void,
): Job {
  const facts: (Examination | undefined)[] = [];
  return ({ dispatcher }, nowMs) => {
    const end = Math.min(frames.length, facts.length + EXAMINE_CHUNK);
    for (let i = facts.length; i < end; i++) {
      facts.push(dispatcher.examine(frames[i], 0, frames[i].length, nowMs));
    }
    if (facts.length < frames.length) return false;
    done(facts);
    return true;
  };
}

/**
 * What the dispatcher of a direct return would have seen of a connection that is in this state on its server: the client's
 * half. A server that has closed its own half (FIN-WAIT) still gets the client's packets like any other.
 */
export function connectionStateOf(tcpState: number): ConnectionState {
  switch (tcpState) {
    case TcpState.synReceived:
      return ConnectionState.halfOpen;
    case TcpState.closeWait:
    case TcpState.lastAck:
    case TcpState.closing:
    case TcpState.timeWait:
    case TcpState.close:
      return ConnectionState.closing;
    default:
      return ConnectionState.established;
  }
}
