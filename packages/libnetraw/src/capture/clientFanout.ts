import assert from 'node:assert/strict';
import { Ancillary, assemble, type BpfInstruction, type BpfProgram } from './bpf.js';
import { clientHash } from './clientHash.js';
import { OUTGOING } from './filters.js';

/** How a dispatcher's rings share frames: by the client, so that both directions of its connections meet one ring. */
export interface ClientFanoutOptions {
  /** Frames to these go to a client; all others come from one. */
  readonly gatewayMacs?: readonly Uint8Array[];
  /** Only so many leading bits of a client's IPv4 address count. Default 32. */
  readonly prefix4?: number;
  /** Of an IPv6 address. Default 128. */
  readonly prefix6?: number;
}

/**
 * The fan-out program: the hash of the client's address - `fanoutHash4`, `fanoutHash6` - which is the source of what comes
 * from clients and the destination of what goes to them. What is neither IPv4 nor IPv6, and neighbour discovery, is for
 * ring 0. See `clientHash` for ICMP errors.
 */
export function clientFanout(options: ClientFanoutOptions = {}): BpfProgram {
  const { gatewayMacs = [], prefix4 = 32, prefix6 = 128 } = options;
  const then = [{ op: 'returnAccumulator' }] as const;
  const hashed = { prefix4, prefix6, then, other: [{ op: 'reject' }] } as const;
  return assemble([
    // A frame of this host has all its headers in one piece, but begins with the Ethernet header; one that was received
    // begins with its IP header, and the pieces do not matter when loading from there.
    { op: 'loadWord', offset: Ancillary.packetType },
    { op: 'jumpIfEqual', value: OUTGOING, otherwise: 'received' },
    { op: 'jump', to: 'own' },
    { op: 'label', name: 'received' },
    ...gatewayMacs.flatMap((mac, index) => jumpIfTo(mac, index, 'to-client')),
    ...clientHash('from-client', { ...hashed, base: 0, side: 'source' }),
    { op: 'label', name: 'to-client' },
    ...clientHash('to-client', { ...hashed, base: 0, side: 'destination' }),
    { op: 'label', name: 'own' },
    ...clientHash('own', { ...hashed, base: Ancillary.networkHeader, side: 'destination' }),
  ]);
}

function jumpIfTo(mac: Uint8Array, index: number, label: string): BpfInstruction[] {
  assert.equal(mac.length, 6, 'a MAC has 6 bytes');
  const view = new DataView(mac.buffer, mac.byteOffset, 6);
  const next = `not-${label}-${index}`;
  return [
    { op: 'loadWord', offset: Ancillary.linkHeader + 2 },
    { op: 'jumpIfEqual', value: view.getUint32(2), otherwise: next },
    { op: 'loadHalf', offset: Ancillary.linkHeader },
    { op: 'jumpIfEqual', value: view.getUint16(0), otherwise: next },
    { op: 'jump', to: label },
    { op: 'label', name: next },
  ];
}
