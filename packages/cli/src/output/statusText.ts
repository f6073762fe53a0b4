/** The status document as text for people. */
import type {
  CheckStatus,
  DrainStatus,
  LoadStatus,
  MemberStatus,
  StatusDocument,
  WeightStatus,
} from '@ringmaster/node';
import pc from 'picocolors';
import { duration } from './connectionsText.js';
import { table } from './table.js';

/** The ring as a loop: the heartbeat goes down from the smallest address and from the bottom back to the top. */
export function ringPicture(members: readonly MemberStatus[], own: string): string {
  const width = Math.max(...members.map(({ address }) => address.length), 0);
  const lines = members.map((member, index) => {
    const corner = members.length === 1 ? '  ' : loopAt(index, members.length);
    const notes = [member.role === 'server' ? '' : member.role];
    if (member.drain !== undefined) notes.push(drainText(member.drain));
    else if (!member.active) notes.push('inactive');
    if (member.active && member.lacks !== undefined) notes.push(`without ${member.lacks.join(' ')}`);
    if (member.address === own) notes.push('this node');
    const text = notes.filter((note) => note !== '').join(', ');
    const line = `  ${corner} ${member.address.padEnd(width)}  ${text}`.trimEnd();
    if (!member.active) return pc.dim(line);
    return member.role === 'server' ? line : pc.bold(line);
  });
  return lines.join('\n');
}

/** `draining, 12 connections left, the rest is reset in 40 s` */
export function drainText({ state, connections, deadlineInMs }: DrainStatus): string {
  const left =
    connections === null ? '' : `, ${connections} ${connections === 1 ? 'connection' : 'connections'} left`;
  const end = state === 'drained' || deadlineInMs === null ? '' : `, reset in ${duration(deadlineInMs)}`;
  return `${state}${left}${end}`;
}

function loopAt(index: number, count: number): string {
  if (index === 0) return '┌▶';
  return index === count - 1 ? '└─' : '│ ';
}

function headline({ address, id, role }: StatusDocument): string {
  return `${pc.bold(address)} is ${role} (id ${id})`;
}

function ringLine({ ring }: StatusDocument): string {
  const active = ring.members.filter((member) => member.active).length;
  const since = new Date(ring.createdAt).toISOString().replace('T', ' ').slice(0, 19);
  const dispatcher = ring.dispatcher ?? 'nobody at the moment';
  return `Ring of ${ring.members.length} (${active} active) since ${since} UTC, dispatched by ${dispatcher}:`;
}

function rebuildText({ rebuild }: StatusDocument): string {
  if (rebuild.state === 'idle') return 'never needed';
  const took = `${rebuild.ms.toFixed(0)} ms`;
  return rebuild.state === 'done'
    ? `complete, took ${took}`
    : `${rebuild.percent.toFixed(0)} % after ${took}`;
}

/** `good, answered in 2 ms`, `ill: ... answered 500, expected 2xx` */
function checkText({ state, ok, responseMs, lastFailure }: CheckStatus): string {
  if (ok === null || responseMs === null) return 'not checked yet';
  if (ok) return `${state}, answered in ${responseMs.toFixed(0)} ms`;
  return `${state}: ${lastFailure ?? 'no answer'}`;
}

/** Broadcast dispatch. */
function shareRows({ sharePercent }: StatusDocument): [string, string][] {
  return sharePercent === undefined ? [] : [['share of the clients', `${sharePercent} %`]];
}

/** Counters as rows; the reasons for drops one by one, those that never happened left out. */
function counterRows(counters: StatusDocument['counters']): [string, string][] {
  return Object.entries(counters).flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'number') return [[name, String(value)]];
    return Object.entries(value)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => [`${name}: ${reason}`, String(count)]);
  });
}

function fixedServerLines({ fixedServers = [] }: StatusDocument): string[] {
  if (fixedServers.length === 0) return [];
  const rows = fixedServers.map(({ address, mac, active, why }) => {
    return [address, mac ?? 'not seen yet', active ? 'yes' : `no: ${why}`];
  });
  return ['Servers outside the ring:', table(['ADDRESS', 'MAC', 'ACTIVE'], rows), ''];
}

/** What `ringmaster status` prints. */
export function statusText(status: StatusDocument): string {
  const { total, halfOpen, established, closing } = status.connections;
  const facts: [string, string][] = [
    ['connections', `${total} (${established} established, ${halfOpen} half-open, ${closing} closing)`],
    ['rebuild of the connection map', rebuildText(status)],
    ...shareRows(status),
    ...(status.health ?? []).map((check): [string, string] => [`health: ${check.check}`, checkText(check)]),
    ...counterRows(status.counters),
  ];
  return [
    headline(status),
    '',
    ringLine(status),
    ringPicture(status.ring.members, status.address),
    '',
    ...fixedServerLines(status),
    table([], facts),
  ].join('\n');
}

/** `2`, `0.5 of 2 (slow start)`, `0.31 (load)` */
function weightText({ configured, share, loadFactor, inForce }: WeightStatus): string {
  const why = [share < 1 ? 'slow start' : '', loadFactor === 1 ? '' : 'load'].filter(
    (reason) => reason !== '',
  );
  if (configured === 0 || why.length === 0) return String(configured);
  return `${inForce.toFixed(2)} of ${configured} (${why.join(', ')})`;
}

const LOAD_HEAD = ['CONNECTIONS', 'NEW/S', 'QUEUE', 'ANSWERS IN'] as const;

function loadCells(load: LoadStatus | undefined): string[] {
  if (load === undefined) return LOAD_HEAD.map(() => '?');
  const { connections, newPerSecond, acceptQueue, acceptQueueLimit, responseMs } = load;
  const answers = responseMs === null ? '-' : `${responseMs.toFixed(responseMs < 10 ? 1 : 0)} ms`;
  return [String(connections), newPerSecond.toFixed(1), `${acceptQueue}/${acceptQueueLimit}`, answers];
}

/** What `ringmaster members` prints. */
export function membersText(members: readonly MemberStatus[]): string {
  // A node of an earlier version tells none of it.
  const tellsLoad = members.some(({ load }) => load !== undefined);
  const rows = members.map(({ address, id, mac, role, active, drain, weight, load, lacks }) => {
    const having = lacks === undefined ? 'yes' : `without ${lacks.join(' ')}`;
    const serves = drain === undefined ? (active ? having : 'no') : drainText(drain);
    const balance = tellsLoad ? [weight === undefined ? '?' : weightText(weight), ...loadCells(load)] : [];
    return [address, String(id), mac, role, serves, ...balance];
  });
  const head = ['ADDRESS', 'ID', 'MAC', 'ROLE', 'ACTIVE'];
  return table(tellsLoad ? [...head, 'WEIGHT', ...LOAD_HEAD] : head, rows);
}
