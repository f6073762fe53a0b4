import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_MAX_PACKET_BYTES,
  DEFAULT_RING_CONFIG,
  encodeAnnounce,
  encodeAssign,
  encodePurge,
  encodeRedirect,
  encodeRemoval,
  encodeRepair,
  ENVELOPE_BYTES,
  MAX_SERVICES_BYTES,
  MessageType,
  PurgeReason,
} from '../src/index.js';
import { SteadyRing } from './steadyState.js';

/** `docs/protocol.md` must say what the code does. */
const TEXT = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
/** The same, wherever its lines break. */
const PROSE = TEXT.replace(/\s+/g, ' ');
const says = (words: string): boolean => PROSE.includes(words);

/** The cells of each row of the first table behind a heading, without the head of the table. */
function tableUnder(heading: string): string[][] {
  const section = TEXT.split(/^#{2,3} /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`no section ${heading}`);
  const lines = section.split('\n');
  const from = lines.findIndex((line) => line.startsWith('| ---'));
  const rows = lines.slice(from + 1);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;
const bytesOf = (heading: string) =>
  tableUnder(heading).reduce((sum, [bytes]) => sum + (bytes === 'n' ? 0 : Number(bytes)), 0);

const ANNOUNCE = {
  address: 1,
  createdAt: 1,
  joining: false,
  dispatching: false,
  canDispatch: false,
  canServe: false,
  leaving: false,
  newcomer: false,
  id: 1,
  highestId: 1,
  weight: 1,
  mac: new Uint8Array(6),
  incarnation: 1,
  services: new Uint8Array(0),
};

describe('docs/protocol.md', () => {
  it('lists every message type with its code, and no other', () => {
    const told = tableUnder('Messages').map(([code, name]) => [name, code]);
    const real = Object.entries(MessageType).map(([name, code]) => [`\`${name}\``, hex(code)]);
    expect(told).toEqual(real);
  });

  it('gives the layout of every body in full', () => {
    const removal = encodeRemoval({ createdAt: 1, lost: 1, upstream: 1, downstream: 1 });
    const purge = encodePurge({ purged: 1, createdAt: 1, purger: 1, suspect: 1, reason: 1 });
    expect(bytesOf('`announce`')).toBe(encodeAnnounce(ANNOUNCE).length);
    expect(bytesOf('`purge`')).toBe(purge.length);
    expect(bytesOf('`assign`')).toBe(encodeAssign({ createdAt: 1, address: 1, id: 1 }).length);
    expect(bytesOf('`leave`, `splice`, `gone`')).toBe(removal.length);
    expect(bytesOf('`repair`')).toBe(
      encodeRepair({ createdAt: 1, lost: 1, detector: 1, reverse: true }).length,
    );
    expect(bytesOf('`redirect`')).toBe(encodeRedirect({ createdAt: 1, address: 1 }).length);
    expect(bytesOf('Sealing and sessions')).toBe(ENVELOPE_BYTES + 1);
  });

  it.each([
    ['joining', 'joining'],
    ['dispatching', 'dispatching'],
    ['canDispatch', 'can dispatch'],
    ['canServe', 'can serve'],
    ['leaving', 'leaving'],
    ['newcomer', 'newcomer'],
  ])('gives the flag of %s', (field, name) => {
    const flags = encodeAnnounce({ ...ANNOUNCE, [field]: true })[13];
    const told = tableUnder('`announce`').find(([, what]) => what === 'flags')?.[2];
    expect(told?.split(' · ')).toContain(`${flags} ${name}`);
  });

  it('gives every reason of a purge', () => {
    const told = tableUnder('`purge`').at(-1)?.[2] ?? '';
    expect(told.match(/\d+/g)?.map(Number)).toEqual(Object.values(PurgeReason));
  });

  it('gives the default of every timer', () => {
    const { heartbeatIntervalMs, communicationTimeoutMs, broadcastTimeoutMs } = DEFAULT_RING_CONFIG;
    const { beaconIntervalMs, handoverTimeoutMs, holdDownMs } = DEFAULT_RING_CONFIG;
    expect(tableUnder('Timers').map(([, value]) => Number(value))).toEqual([
      heartbeatIntervalMs,
      communicationTimeoutMs,
      broadcastTimeoutMs,
      beaconIntervalMs,
      handoverTimeoutMs,
      holdDownMs,
    ]);
  });

  it('gives the largest packets', () => {
    const plain = DEFAULT_RING_CONFIG.maxPacketBytes;
    expect(plain + ENVELOPE_BYTES).toBe(DEFAULT_MAX_PACKET_BYTES);
    expect(says(`packets of at most ${plain} bytes (${DEFAULT_MAX_PACKET_BYTES} sealed)`)).toBe(true);
    const announcement = 1 + 4 + 2 + encodeAnnounce(ANNOUNCE).length + MAX_SERVICES_BYTES;
    expect(says(`an announcement, has at most ${announcement} bytes`)).toBe(true);
  });

  it('gives what a ring without faults costs: a simulated ring costs that, and the formula says it', () => {
    const told = tableUnder('What it costs').map((row) => row.map(Number));
    expect(told.map(([members]) => members)).toEqual([3, 16, 64, 254]);
    for (const [members, sent, received, bytes] of told) {
      const byFormula = [1 + 1 / 20, 1 + (members - 1) / 20, 20 * 62 + (members - 1) * 104];
      expect([sent, received, bytes]).toEqual(byFormula.map((figure) => Number(figure.toFixed(2))));
      if (members > 64) continue; // a simulation of so many is too slow for a unit test
      const ring = new SteadyRing(members);
      const cost = ring.measure();
      expect(ring.changes).toEqual([]);
      expect(cost.sentPerHeartbeat).toBeCloseTo(sent, 2);
      expect(cost.receivedPerHeartbeat).toBeCloseTo(received, 2);
      expect(cost.receivedBytesPerSecond).toBeCloseTo(bytes, 0);
    }
  });
});
