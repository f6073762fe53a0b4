/** Which addresses of a file may be alike, and which may not. */
import { virtualMacOf } from '@ringmaster/dispatch';
import { formatMac, parseIp } from 'libnetraw/wire';
import { canonicalAddress, versionOf } from './address.js';
import { formatPath, type ConfigPath } from './problem.js';
import { list, mapping, type Mapping, type Report } from './raw.js';

/** An address that lives at a virtual MAC. */
interface Place {
  readonly address: string;
  readonly path: ConfigPath;
  readonly kind: 'address' | 'gateway';
}

function placesOf(cluster: Mapping, index: number): Place[] {
  return (['address', 'gateway'] as const).flatMap((kind) => {
    const address = canonicalAddress(cluster[kind]);
    return address === undefined ? [] : [{ address, path: ['clusters', index, kind], kind }];
  });
}

function virtualMac(address: string): string {
  const parsed = parseIp(address);
  return parsed === undefined ? address : formatMac(virtualMacOf(parsed));
}

/** Several clusters may have one gateway: a server outside the ring has only one default route. */
function isShared(place: Place, earlier: Place): boolean {
  return place.kind === 'gateway' && earlier.kind === 'gateway' && place.address === earlier.address;
}

function compare(place: Place, earlier: Place, report: Report): void {
  const { address, path } = place;
  const where = formatPath(earlier.path);
  if (isShared(place, earlier)) return;
  if (address === earlier.address) {
    const whose = place.kind === 'address' && earlier.kind === 'address' ? 'each cluster' : 'each of the two';
    report('conflict', path, `${address} is already at ${where}; ${whose} needs its own`);
  } else {
    const part = versionOf(address) === 'IPv4' ? 'same three numbers' : 'same six hexadecimal digits';
    const why = 'so both would have one virtual MAC; choose addresses that differ there';
    report('conflict', path, `${address} ends in the ${part} as ${where}, ${why}`);
  }
}

function ownAddressRules(root: Mapping, { address, path, kind }: Place, report: Report): void {
  for (const key of ['address', 'address6']) {
    if (address !== canonicalAddress(root[key])) continue;
    const what = kind === 'address' ? 'a cluster address' : 'a ghost gateway';
    report('conflict', path, `${address} is also this node's own address; ${what} belongs to no node`);
  }
}

function gatewayRules(cluster: Mapping, path: ConfigPath, report: Report): void {
  const place = [...path, 'gateway'];
  if (cluster.mode === 'l4/3' && cluster.gateway === undefined) {
    report(
      'missing',
      place,
      'missing; expected the ghost gateway that servers use as their default route (mode l4/3)',
    );
  }
  if (cluster.gateway === undefined) return;
  if (cluster.mode !== 'l4/3')
    report('conflict', place, 'only mode l4/3 has a gateway; remove it or set mode: l4/3');
  const address = canonicalAddress(cluster.address);
  const gateway = canonicalAddress(cluster.gateway);
  if (address === undefined || gateway === undefined) return;
  const version = versionOf(address);
  if (version !== versionOf(gateway))
    report('conflict', place, `expected an ${version} address, like the cluster's own`);
}

/** Every cluster address and ghost gateway has a virtual MAC of its own (see `virtualMacOf`), and none is a node's. */
export function addressRules(root: Mapping, report: Report): void {
  const byMac = new Map<string, Place>();
  list(root.clusters).forEach((entry, index) => {
    const cluster = mapping(entry);
    for (const place of placesOf(cluster, index)) {
      const mac = virtualMac(place.address);
      const earlier = byMac.get(mac);
      if (earlier === undefined) byMac.set(mac, place);
      else compare(place, earlier, report);
      ownAddressRules(root, place, report);
    }
    gatewayRules(cluster, ['clusters', index], report);
  });
}
