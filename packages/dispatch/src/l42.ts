import { copyMac, isGroupMac, MAC_BYTES } from 'libnetraw/wire';
import type { ServerTable } from './servers.js';
import { Verdict } from './verdicts.js';

const LOOPBACK_MAC = new Uint8Array(MAC_BYTES);

/**
 * L4/2 rewriting: "the hardware destination of the incoming message becomes the hardware source of the outgoing one", and
 * the server's MAC becomes the destination. Nothing behind the two addresses is touched, offload state included.
 *
 * A group's MAC (broadcast dispatch) can be nobody's source: then it is this node's own.
 *
 * A server that is this node gets the loopback device's destination, all zero, to be injected on `lo`.
 */
export function rewriteL42(
  memory: Uint8Array,
  offset: number,
  servers: ServerTable,
  slot: number,
  ownMac: Uint8Array,
): Verdict {
  if (isGroupMac(memory, offset)) copyMac(ownMac, 0, memory, offset + MAC_BYTES);
  else copyMac(memory, offset, memory, offset + MAC_BYTES);
  if (servers.local[slot] === 1) {
    copyMac(LOOPBACK_MAC, 0, memory, offset);
    return Verdict.local;
  }
  copyMac(servers.macs, slot * MAC_BYTES, memory, offset);
  return Verdict.forward;
}

/** Makes a frame ready to be sent on as it is: the switch, told by the source which port this is not, brings it to the virtual MAC. */
export function passOn(memory: Uint8Array, offset: number, ownMac: Uint8Array): void {
  copyMac(ownMac, 0, memory, offset + MAC_BYTES);
}
