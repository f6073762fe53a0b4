/** The host's real network: netlink and /proc/sys, through libnetraw. */
import {
  addAddress,
  addDefaultRoute,
  addRule,
  deleteAddress,
  deleteDefaultRoute,
  deleteNeighbour,
  deleteRule,
  listAddresses,
  listLinks,
  listNeighbours,
  listRoutes,
  listRules,
  readSysctl,
  setPermanentNeighbour,
  writeSysctl,
  type AddressFamily,
} from 'libnetraw';
import type { HostAddress, HostNeighbour, HostNetwork, HostRoute } from './network.js';

const linkNames = (): Map<number, string> => new Map(listLinks().map(({ index, name }) => [index, name]));

function addresses(): HostAddress[] {
  const names = linkNames();
  return listAddresses().flatMap(({ interfaceIndex, address, prefixLength, broadcast, scope, state }) => {
    const name = names.get(interfaceIndex);
    if (name === undefined) return [];
    const linkLocal = scope === 'link';
    const entry = { interface: name, address, prefixLength, linkLocal, state };
    return [{ ...entry, ...(broadcast === undefined ? {} : { broadcast }) }];
  });
}

function routes(family: AddressFamily, table: number): HostRoute[] {
  const names = linkNames();
  return listRoutes(family, table).map(({ prefixLength, gateway, interfaceIndex }) => ({
    prefixLength,
    gateway,
    interface: interfaceIndex === undefined ? undefined : names.get(interfaceIndex),
  }));
}

function neighbours(): HostNeighbour[] {
  const names = linkNames();
  return listNeighbours().flatMap(({ interfaceIndex, address, mac, state }) => {
    const name = names.get(interfaceIndex);
    if (name === undefined) return [];
    const kind = state === 'permanent' || state === 'failed' ? state : 'other';
    return [{ interface: name, address, mac, state: kind }];
  });
}

export const kernelNetwork: HostNetwork = {
  links: listLinks,
  addresses,
  addAddress: (entry) => addAddress(entry.interface, entry.address, entry.prefixLength),
  deleteAddress: (entry) => deleteAddress(entry.interface, entry.address, entry.prefixLength),
  rules: listRules,
  addRule,
  deleteRule,
  routes,
  addRoute: addDefaultRoute,
  deleteRoute: deleteDefaultRoute,
  neighbours,
  setNeighbour: setPermanentNeighbour,
  deleteNeighbour,
  readSysctl,
  writeSysctl,
};
