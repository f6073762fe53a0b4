import { EVENT_KINDS, type NodeEvent } from '@ringmaster/node';

const KIND_WIDTH = Math.max(...EVENT_KINDS.map(({ length }) => length));

/** `07:38:01.123 role       this node is dispatcher now: elected, nobody dispatches`. The time is UTC. */
export function eventText({ at, kind, text }: NodeEvent): string {
  return `${at.slice(11, 23)} ${kind.padEnd(KIND_WIDTH)} ${text}`;
}
