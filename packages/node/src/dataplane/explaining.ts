import { fanoutHash4, fanoutHash6 } from 'libnetraw';
import {
  type DispatchMode,
  type Examination,
  Rehearsal,
  type RehearsalOptions,
  type ServerInfo,
} from '@ringmaster/dispatch';
import { monotonicMs } from './clock.js';
import type { ClientPrefixes } from './partition.js';
import type { Explained } from './types.js';

/** Far more servers than a ring has, and than are ever asked about. */
const MAX_FORMER = 512;

/**
 * What the main thread has told the workers, so that it can say what they would do with a frame (N7). The workers tell what
 * they know about it; deciding is rehearsed here, where it holds up no packet.
 */
export class Explaining {
  private given: Pick<RehearsalOptions, 'clusters' | 'ownMac' | 'mtuBytes'>;
  private mode: DispatchMode = 'off';
  private servers: readonly ServerInfo[] = [];
  private readonly everListed = new Map<number, ServerInfo>();
  private isHolding = false;
  private heldUntilMs: number | undefined;

  constructor(given: Pick<RehearsalOptions, 'clusters' | 'ownMac' | 'mtuBytes'>) {
    this.given = given;
  }

  noteRole(role: DispatchMode): void {
    this.mode = role;
    // With its map a dispatcher forgets what it held.
    if (role === 'off') this.heldUntilMs = undefined;
  }

  noteClusters(clusters: RehearsalOptions['clusters']): void {
    this.given = { ...this.given, clusters };
  }

  noteServers(servers: readonly ServerInfo[]): void {
    this.servers = servers;
    for (const server of servers) this.everListed.set(server.address, server);
    for (const oldest of this.everListed.keys()) {
      if (this.everListed.size <= MAX_FORMER) break;
      this.everListed.delete(oldest);
    }
  }

  noteHold(on: boolean): void {
    if (this.isHolding && !on) this.heldUntilMs = monotonicMs();
    this.isHolding = on;
  }

  /** @param facts about each frame, by worker */
  explain(
    frames: readonly Uint8Array[],
    facts: readonly (readonly (Examination | undefined)[])[],
    prefixes: ClientPrefixes,
  ): Explained[] {
    const nowMs = monotonicMs();
    const { given, mode, servers, isHolding, heldUntilMs } = this;
    const held = heldUntilMs === undefined ? {} : { heldUntilMs };
    const formerServers = [...this.everListed.values()];
    const rehearsal = new Rehearsal({ ...given, mode, servers, formerServers, isHolding, ...held }, nowMs);
    return frames.map((frame, i) => {
      const told = chooseFacts(
        facts.map((ofWorker) => ofWorker[i]),
        prefixes,
      );
      return { facts: told, outcome: rehearsal.run(frame, told, nowMs) };
    });
  }
}

/** Of what several workers say: who knows the connection, or else whose client it is. */
function chooseFacts(
  told: readonly (Examination | undefined)[],
  { prefix4, prefix6 }: ClientPrefixes,
): Examination | undefined {
  const known = told.find((facts) => facts?.connection !== undefined);
  const [first] = told;
  if (known !== undefined || first === undefined) return known;
  const { clientAddress } = first;
  const hash =
    typeof clientAddress === 'number'
      ? fanoutHash4(clientAddress, prefix4)
      : fanoutHash6(clientAddress, 0, prefix6);
  return told[hash % told.length];
}
