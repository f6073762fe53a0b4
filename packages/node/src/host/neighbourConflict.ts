/**
 * Whether somebody else owns an IPv6 address: asked by neighbour discovery before it is taken on, in the manner of RFC 4862,
 * section 5.4. The cluster itself may answer, with its virtual MAC: that is the present dispatcher, and no conflict.
 */
import { isVirtualMacOf } from '@ringmaster/dispatch';
import {
  compareMac,
  decodeEthernet,
  decodeIpv6,
  decodeNeighbour,
  ETHERNET_HEADER_BYTES,
  EthernetHeader,
  EtherType,
  formatIpv6,
  formatMac,
  Icmpv6Type,
  IPV6_ADDRESS_BYTES,
  Ipv6Header,
  multicastMacOf,
  neighbourFrame,
  NeighbourMessage,
  parseIpv6,
  solicitedNodeOf,
  WireStatus,
} from 'libnetraw/wire';
import assert from 'node:assert/strict';
import type { AddressConflict, ProbeKind } from './addressConflict.js';

const UNSPECIFIED = new Uint8Array(IPV6_ADDRESS_BYTES);

/** A solicitation without a source address, so that it updates nobody's cache; the owner answers to all nodes. */
export function neighbourProbe(address: string, ownMac: Uint8Array): Uint8Array {
  const target = parseIpv6(address);
  assert(target !== undefined, `not an IPv6 address: ${address}`);
  const destination = solicitedNodeOf(target);
  return neighbourFrame(multicastMacOf(destination), ownMac, {
    type: Icmpv6Type.neighbourSolicitation,
    source: UNSPECIFIED,
    destination,
    target,
  });
}

/** Judges one received frame: an advertisement of one of the addresses by somebody who is neither this host nor the cluster. */
export function neighbourConflictIn(
  frame: Uint8Array,
  addresses: readonly string[],
  ownMac: Uint8Array,
): AddressConflict | undefined {
  const ethernet = new EthernetHeader();
  const ip = new Ipv6Header();
  const message = new NeighbourMessage();
  if (decodeEthernet(frame, 0, frame.length, ethernet) !== WireStatus.ok) return undefined;
  if (ethernet.etherType !== EtherType.ipv6) return undefined;
  if (decodeIpv6(frame, ETHERNET_HEADER_BYTES, ethernet.payloadLength, ip) !== WireStatus.ok)
    return undefined;
  if (decodeNeighbour(frame, ip, message) !== WireStatus.ok) return undefined;
  if (message.type !== Icmpv6Type.neighbourAdvertisement) return undefined;
  const address = formatIpv6(frame, message.targetOffset);
  if (!addresses.includes(address)) return undefined;
  const macAt = message.linkAddressOffset < 0 ? 6 : message.linkAddressOffset;
  const owner = frame.subarray(macAt, macAt + 6);
  const target = frame.subarray(message.targetOffset, message.targetOffset + IPV6_ADDRESS_BYTES);
  const isOurs = compareMac(owner, ownMac) === 0 || isVirtualMacOf(target, owner);
  return isOurs ? undefined : { address, mac: formatMac(owner) };
}

export const neighbourProbes: ProbeKind = { probe: neighbourProbe, conflictIn: neighbourConflictIn };
