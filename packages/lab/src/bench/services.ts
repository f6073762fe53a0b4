import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startHttpService } from '../services/service.js';
import type { Host } from '../world/host.js';
import { startDaemon } from './daemon.js';

/** The body of the bulk work. */
export const BULK_BYTES = 100 * 1024 * 1024;
export const BULK_PATH = `/bytes/${BULK_BYTES}`;

const PORT = 80;
/** A second port, for connections whose answers go back through the dispatcher. */
export const NAT_PORT = 8080;

/** What serves on the nodes: starts it on a host, port 80. */
export interface BenchService {
  readonly name: string;
  start(host: Host): Promise<unknown>;
}

/** nginx where it is installed, else the lab's own HTTP service. */
export async function findService(host: Host): Promise<BenchService> {
  const { code } = await host.exec('sh', ['-c', 'command -v nginx || test -x /usr/sbin/nginx']);
  if (code === 0) return { name: 'nginx', start: startNginx };
  return { name: 'node:http', start: startHttpService };
}

async function startNginx(host: Host): Promise<void> {
  const root = join(host.directory, 'www');
  await mkdir(join(root, 'bytes'), { recursive: true });
  const file = await open(join(root, 'bytes', String(BULK_BYTES)), 'w');
  await file.truncate(BULK_BYTES);
  await file.close();
  const config = join(host.directory, 'nginx.conf');
  await writeFile(config, nginxConfig(host, root));
  await startDaemon(host, 'nginx', ['-p', host.directory, '-c', config], PORT);
}

/** One process a host, no log, no other user (a user namespace has none). */
function nginxConfig(host: Host, root: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
user root;
daemon off;
master_process off;
pid ${host.directory}/nginx.pid;
error_log stderr;
events { worker_connections 1000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  sendfile on;
${temporary.map((kind) => `  ${kind}_temp_path ${host.directory}/${kind};`).join('\n')}
  server {
    listen ${PORT} backlog=4096;
    listen ${NAT_PORT} backlog=4096;
    location = / { return 200 "${host.name}\\n"; }
    location /bytes/ { root ${root}; }
  }
}
`;
}
