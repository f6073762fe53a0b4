/** The host's real network: netlink and /proc/sys, through libnetraw. */
import { addAddress, deleteAddress, listAddresses, listLinks, readSysctl, writeSysctl } from 'libnetraw';
import type { HostAddress, HostNetwork } from './network.js';

function addresses(): HostAddress[] {
  const names = new Map(listLinks().map(({ index, name }) => [index, name]));
  return listAddresses().flatMap(({ family, interfaceIndex, address, prefixLength, broadcast }) => {
    const name = names.get(interfaceIndex);
    if (family !== 'ipv4' || name === undefined) return [];
    return { interface: name, address, prefixLength, ...(broadcast === undefined ? {} : { broadcast }) };
  });
}

export const kernelNetwork: HostNetwork = {
  links: listLinks,
  addresses,
  addAddress: (entry) => addAddress(entry.interface, entry.address, entry.prefixLength),
  deleteAddress: (entry) => deleteAddress(entry.interface, entry.address, entry.prefixLength),
  readSysctl,
  writeSysctl,
};
