/**
 * The undo journal: every change to the host is written here before it is made, so that whatever becomes of the
 * process, the next one knows what to take back. The file is replaced whole and synced at each entry.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { z } from 'zod';
import { errorCode } from './problem.js';
import { FIRST_TABLE, LAST_TABLE } from './tables.js';
import type { ProcessIdentity } from './processIdentity.js';

/** Only what a node changes: a journal from who knows where must not make it change anything else. */
const sysctlPath = z
  .string()
  .regex(
    /^net\/(?:ipv4\/(?:tcp_mtu_probing|conf\/[^\s/]{1,15}\/(?:arp_ignore|arp_announce|rp_filter))|ipv[46]\/conf\/[^\s/]{1,15}\/drop_unicast_in_l2_multicast)$/,
  );
const sysctlValue = z.string().regex(/^\d{1,2}$/);
const interfaceName = z.string().regex(/^[^\s/:]{1,15}$/);
const ipAddress = z.string().refine((text) => isIP(text) !== 0 && !text.includes('%'));
const table = z.int().min(FIRST_TABLE).max(LAST_TABLE);
const virtualMac = z.string().regex(/^02:52:4[de](?::[0-9a-f]{2}){3}$/);

const changeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('address'), interface: z.literal('lo'), address: ipAddress }),
  z.object({ kind: z.literal('sysctl'), path: sysctlPath, before: sysctlValue, after: sysctlValue }),
  z.object({ kind: z.literal('neighbour'), interface: interfaceName, address: ipAddress, mac: virtualMac }),
  z.object({
    kind: z.literal('route'),
    table,
    gateway: ipAddress,
    interface: interfaceName,
    source: ipAddress,
  }),
  z.object({
    kind: z.literal('rule'),
    family: z.enum(['ipv4', 'ipv6']),
    table,
    protocol: z.enum(['tcp', 'udp']),
    sourcePort: z.int().min(1).max(65535),
    from: ipAddress.optional(),
  }),
]);

const journalSchema = z.object({
  version: z.literal(1),
  process: z.object({
    pid: z.int().positive(),
    startTicks: z.string(),
    bootId: z.string(),
    networkNamespace: z.string(),
  }),
  changes: z.array(changeSchema).max(1024),
});

/**
 * One change to the host, with what it takes to undo it. A `rule` is for what this host sends itself from a port, and from
 * an address; its `table` has the one `route`.
 */
export type HostChange = Readonly<z.output<typeof changeSchema>>;

export interface JournalContent {
  readonly process: ProcessIdentity;
  /** In the order in which they were made. */
  readonly changes: readonly HostChange[];
}

/** `/run/ringmaster.sock` -> `/run/ringmaster.sock.undo.json` */
export const journalPath = (socketPath: string): string => `${socketPath}.undo.json`;

/** Reads a journal; `absent` when there is none, `damaged` when it is not one. Throws only what the disk throws. */
export function readJournal(file: string): JournalContent | 'absent' | 'damaged' {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'absent';
    throw error;
  }
  try {
    const checked = journalSchema.safeParse(JSON.parse(text));
    return checked.success ? checked.data : 'damaged';
  } catch {
    return 'damaged';
  }
}

function syncDirectory(file: string): void {
  const fd = openSync(dirname(file), 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes `text` to a new file beside the journal and syncs it. */
function writeBeside(file: string, text: string): string {
  const temporary = `${file}.${process.pid}`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return temporary;
}

const serialise = (content: JournalContent): string =>
  `${JSON.stringify({ version: 1, ...content }, null, 2)}\n`;

/**
 * Creates a journal that must not exist yet: of two processes only one succeeds.
 * @throws `EEXIST` when there is one, and what the disk throws
 */
export function createJournal(file: string, content: JournalContent): void {
  const temporary = writeBeside(file, serialise(content));
  try {
    linkSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncDirectory(file);
}

/** Replaces the journal's content; after it returns the content survives a crash of the host. */
export function writeJournal(file: string, content: JournalContent): void {
  renameSync(writeBeside(file, serialise(content)), file);
  syncDirectory(file);
}

export function removeJournal(file: string): void {
  rmSync(file, { force: true });
}
