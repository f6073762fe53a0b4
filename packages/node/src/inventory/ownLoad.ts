/** What this host's kernel says about the load of the services; called in the inventory's thread. */
import { readFileSync } from 'node:fs';
import {
  endTcpConnections,
  endTcpConnections6,
  listTcpConnections,
  listTcpConnections6,
  listTcpListeners,
} from 'libnetraw';
import type { ListedPlace } from './inventoryWorker.js';

/** The kernel's figures at one moment. */
export interface OwnLoad {
  /** Open TCP connections to the services. */
  readonly connections: number;
  /** Connections that wait to be accepted, on the services' ports, and how many may. */
  readonly acceptQueue: number;
  readonly acceptQueueLimit: number;
  /** TCP connections that this host has accepted since it was started, those of other services included. */
  readonly accepted: number;
}

export function measureLoad(places: readonly ListedPlace[]): OwnLoad {
  let connections = 0;
  for (const { address, ports } of places) {
    connections +=
      typeof address === 'number'
        ? listTcpConnections({ localAddress: address, ports }).count
        : listTcpConnections6({ localAddress: address, ports }).count;
  }
  const listeners = listTcpListeners([...new Set(places.flatMap(({ ports }) => ports))]);
  const sum = (of: 'acceptQueue' | 'acceptQueueLimit'): number =>
    listeners.reduce((total, listener) => total + listener[of], 0);
  return {
    connections,
    acceptQueue: sum('acceptQueue'),
    acceptQueueLimit: sum('acceptQueueLimit'),
    accepted: passiveOpens(readFileSync('/proc/net/snmp', 'utf8')),
  };
}

/** Ends all connections to the services; returns how many. */
export function endConnections(places: readonly ListedPlace[]): number {
  let ended = 0;
  for (const { address, ports } of places) {
    ended +=
      typeof address === 'number'
        ? endTcpConnections({ localAddress: address, ports })
        : endTcpConnections6({ localAddress: address, ports });
  }
  return ended;
}

/** tcpPassiveOpens of RFC 4022 in the text of /proc/net/snmp: a line of names, and one of values. 0 if it is not there. */
export function passiveOpens(text: string): number {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  return Number(values?.[names.indexOf('PassiveOpens')] ?? 0) || 0;
}
