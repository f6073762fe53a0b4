/** What can be switched at an interface. Throws `SystemError`: `EPERM` without CAP_NET_ADMIN, `ENODEV`. */
import { readOffloads, setLinkUp, writeOffloads } from 'libnetraw';

/** Whether the card merges received packets (LRO). Needs no privilege. */
export const mergesInHardware = (interfaceName: string): boolean => readOffloads(interfaceName).largeReceive;

export const switchLargeReceive = (interfaceName: string, on: boolean): void =>
  writeOffloads(interfaceName, { largeReceive: on });

export const switchLinkOn = (interfaceName: string): void => setLinkUp(interfaceName);
