/** A real browser on a host of the lab: it sees the network that the host has. */
import { spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '@ringmaster/lab';
import { chromium, type Browser } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
];

/** Debian's Chromium, or what `CHROMIUM` names. */
function chromiumProgram(): string {
  const named = process.env.CHROMIUM ?? 'chromium';
  const { status, stdout } = spawnSync('sh', ['-c', `command -v "${named}"`], { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  throw new Error(`there is no ${named}: apt-get install chromium, or name yours in CHROMIUM`);
}

/**
 * Starts Chromium on a host. It is talked to by pipes, which pass the border of the namespace where no address does.
 * To be closed before the lab is.
 */
export async function startBrowser(host: Host): Promise<Browser> {
  const wrapper = join(host.directory, 'browser');
  const line = `exec setpriv --pdeathsig KILL ip netns exec ${host.namespace} '${chromiumProgram()}' "$@"`;
  await writeFile(wrapper, `#!/bin/sh\n${line}\n`);
  await chmod(wrapper, 0o755);
  return chromium.launch({ executablePath: wrapper, args: FLAGS, timeout: 60_000 });
}
