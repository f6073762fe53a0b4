import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';

const START_MS = 5000;

/** Starts a program on the host and waits until something listens on the TCP port. */
export async function startDaemon(
  host: Host,
  command: string,
  args: readonly string[],
  port: number,
): Promise<LabProcess> {
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  const started = host.spawn(command, args, { log: `${command}.log`, env });
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const listens = ['-c', `grep -qE ":${hexPort} 00000000:0000 0A" /proc/net/tcp`];
  const deadline = Date.now() + START_MS;
  while ((await host.exec('sh', listens)).code !== 0) {
    if (started.ended !== undefined || Date.now() > deadline) {
      throw new LabError(
        'processExited',
        `${command} on ${host.name} does not start:\n${started.tail.join('\n')}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return started;
}
