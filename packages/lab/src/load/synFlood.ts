import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';

const PROGRAM = fileURLToPath(new URL('./synFloodProgram.js', import.meta.url));

/** How much of a SYN flood; both bounds hold. */
export interface SynFloodOptions {
  /** Connection requests in all. */
  readonly count: number;
  /** Connection requests a second; 0: as fast as the machine can. */
  readonly rate?: number;
  /** The flood ends after so long, whatever was sent. Default 30. */
  readonly seconds?: number;
  /** Source addresses are drawn from here. Default `198.18.0.0/15`, which is for such tests (RFC 2544). */
  readonly sources?: string;
}

export interface SynFloodReport {
  readonly sent: number;
  /** Frames that the kernel of the flooding host did not take. */
  readonly dropped: number;
  readonly tookMs: number;
}

/**
 * Connection requests with random sources from `host` to `target` (`10.0.0.100:80`), by way of the host's default gateway;
 * nobody will ever answer the answers. Only inside a lab world.
 *
 * @throws LabError `commandFailed` with what the program said.
 */
export async function synFlood(
  host: Pick<Host, 'exec'>,
  target: string,
  options: SynFloodOptions,
): Promise<SynFloodReport> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { code, stdout, stderr } = await host.exec(process.execPath, [PROGRAM, '--target', target, ...flags]);
  if (code !== 0) throw new LabError('commandFailed', `the SYN flood failed: ${stderr || stdout}`);
  return JSON.parse(stdout) as SynFloodReport;
}
