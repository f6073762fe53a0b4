import { DropReason, Verdict } from '@ringmaster/dispatch';
import { macEquals, TcpFlag } from 'libnetraw/wire';
import type { Station } from '../cluster/station.js';
import type { Observer, World } from '../cluster/world.js';
import { clientPortOf, flagsOf, HEADROOM_BYTES, macOf } from '../cluster/frames.js';
import type { Judge } from './checks.js';

/**
 * Invariant 5: a connection that is established on a living member is in the dispatcher's map, with the right server,
 * before any of its packets is dropped as unknown. Excepted are members that could not be asked, for nobody
 * knows better; and the time in which several dispatch (R19), until what was on its way then has arrived (seed 22045477)
 * and has been asked for: none of them can know what the others give to the servers. For a dispatcher that time lasts
 * until it has heard that the other one has stopped: a leave may be lost (seed 20007884). Nor can it know of a connection
 * whose request another dispatcher had sent, and that was on its way for so long that everybody had been asked before it
 * came to the server (seed 22018511).
 */
export class KnownConnections implements Observer {
  private readonly world: World;
  private readonly judge: Judge;

  constructor(world: World, judge: Judge) {
    this.world = world;
    this.judge = judge;
  }

  judged(station: Station, frame: Uint8Array, verdict: Verdict, reason: DropReason): void {
    if (station.dataPlane.mode !== 'dispatch' || (flagsOf(frame) & TcpFlag.syn) !== 0) return;
    const port = clientPortOf(frame);
    const owner = this.ownerOf(port);
    if (!owner || !this.expects(station, owner) || this.cameTooLate(station, owner, port)) return;
    if (verdict === Verdict.drop && reason === DropReason.unknownConnection) {
      this.judge.fail(5, `${station.name} drops a packet of client ${port}, which is ${owner.name}'s`);
    } else if (verdict === Verdict.forward && !macEquals(frame, HEADROOM_BYTES, macOf(owner.index), 0)) {
      this.judge.fail(5, `${station.name} sends a packet of client ${port} to another than ${owner.name}`);
    } else if (verdict === Verdict.local && owner !== station) {
      this.judge.fail(5, `${station.name} takes a packet of client ${port} itself, which is ${owner.name}'s`);
    }
  }

  /** The server on which the connection is established, for the client and in its own kernel. */
  private ownerOf(port: number): Station | undefined {
    const connection = this.world.clients.connections.get(port);
    if (!connection?.established || !connection.server) return undefined;
    const { server } = connection;
    return server.kernel.connections.get(port) === 'established' ? server : undefined;
  }

  private cameTooLate(dispatcher: Station, owner: Station, port: number): boolean {
    const given = owner.kernel.given.get(port);
    if (given === undefined || given.by === dispatcher) return false;
    const aloneSinceMs = Math.max(dispatcher.dataPlane.dispatchesSinceMs, this.world.latestConflictMs);
    return given.atMs > aloneSinceMs + dispatcher.state.config.broadcastTimeoutMs;
  }

  /** Another one dispatched, perhaps unheard, and is dead; this one has not noticed, or only just (seed 24026469). */
  private missesRival({ address, state, daemon }: Station): boolean {
    const { rivals, nowMs } = this.world;
    if (rivals.size === 0) return false;
    if (nowMs - daemon.latestLossMs < 2 * state.config.broadcastTimeoutMs) return true;
    for (const rival of rivals) {
      if (rival.address !== address && !rival.running && state.roster.get(rival.address)?.active === true)
        return true;
    }
    return false;
  }

  private expects(dispatcher: Station, owner: Station): boolean {
    const { broadcastTimeoutMs } = dispatcher.state.config;
    if (this.world.nowMs - this.world.latestConflictEchoMs < 2 * broadcastTimeoutMs) return false;
    if (dispatcher.state.competitors > 0 || this.missesRival(dispatcher)) return false;
    if (owner === dispatcher) return true;
    const listed = dispatcher.state.roster.get(owner.address)?.active === true;
    return listed && owner.running && !dispatcher.daemon.rebuild.excused.has(owner.address);
  }
}
