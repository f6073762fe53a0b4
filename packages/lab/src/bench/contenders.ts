import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.js';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import type { LabProcess } from '../world/process.js';
import { startDaemon } from './daemon.js';
import { CLUSTER_ADDRESS } from '../cluster/layout.js';
import { NAT_PORT } from './services.js';
import { REFERENCE_ADDRESS, startReference, type Programs } from './reference.js';

/** One way from the client to the servers. */
export interface Contender {
  readonly name: string;
  /** What the client calls; may change from round to round. */
  target(round: number): string;
  /** The program in the middle; absent where the kernel or nobody stands there. */
  readonly pid?: number;
}

/** The contender that the others are compared with: the client straight to one server after the other. */
export const DIRECT = 'direct';
export const RINGMASTER = 'Ringmaster L4/2';
export const RINGMASTER_NAT = 'Ringmaster L4/3';
export const REFERENCE = 'same design in C';

/** Where the servers serve; for L4/3 there is a port of its own, so that nobody else's answers go through the dispatcher. */
const SERVICE_PORT = 80;
const NAT_ADDRESS = '10.0.0.102';
const NAT_GATEWAY = '10.0.0.254';

/** A cluster for each mode of Ringmaster, as its configuration file has them. */
export const CLUSTERS = [
  { address: CLUSTER_ADDRESS, mode: 'l4/2', ports: [{ port: SERVICE_PORT, protocol: 'tcp' }] },
  {
    address: NAT_ADDRESS,
    mode: 'l4/3',
    gateway: NAT_GATEWAY,
    ports: [{ port: SERVICE_PORT, protocol: 'tcp', targetPort: NAT_PORT }],
  },
];

/** The host that balances for those who need a box of their own, and a port for each of them. */
const BALANCER_ADDRESS = '10.0.0.50';
const PORTS = { nftables: 80, haproxy: 81, nginx: 82 } as const;

interface Challenger {
  readonly name: string;
  /** What to install when it is missing (Debian). */
  readonly debianPackage: string;
  readonly port: number;
  /** Shell test that succeeds when it is there. */
  readonly present: string;
  /** Resolves to the program that balances, if it is one. */
  start(host: Host, servers: readonly string[]): Promise<LabProcess | undefined>;
}

const CHALLENGERS: readonly Challenger[] = [
  {
    name: 'nftables DNAT',
    debianPackage: 'nftables',
    port: PORTS.nftables,
    present: 'command -v nft',
    start: startNftables,
  },
  {
    name: 'HAProxy mode tcp',
    debianPackage: 'haproxy',
    port: PORTS.haproxy,
    present: 'command -v haproxy',
    start: startHaproxy,
  },
  {
    name: 'nginx stream',
    debianPackage: 'nginx-light libnginx-mod-stream',
    port: PORTS.nginx,
    present: 'test -e /usr/lib/nginx/modules/ngx_stream_module.so',
    start: startNginxStream,
  },
];

/**
 * Everybody who can be compared on this machine: the direct path, Ringmaster, the same design in C if there is a compiler,
 * and on a balancing host of their own those that are installed; `missing` tells what the others would need. The nodes of
 * the cluster run already.
 */
export async function findContenders(
  cluster: Cluster,
  programs: Programs | undefined,
): Promise<{ contenders: readonly Contender[]; missing: readonly string[] }> {
  const servers = cluster.hosts.map(({ address }) => address);
  const { pid } = cluster.hosts[0].node.process;
  const contenders: Contender[] = [
    { name: DIRECT, target: (round) => `${servers[round % servers.length]}:80` },
    { name: RINGMASTER, target: () => cluster.target, pid },
    { name: RINGMASTER_NAT, target: () => `${NAT_ADDRESS}:${SERVICE_PORT}`, pid },
  ];
  const missing: string[] = [];
  if (programs === undefined) missing.push(`${REFERENCE} (apt-get install gcc libc6-dev)`);
  else {
    const reference = await startReference(cluster, programs, SERVICE_PORT);
    const target = () => `${REFERENCE_ADDRESS}:${SERVICE_PORT}`;
    contenders.push({ name: REFERENCE, target, pid: reference.pid });
  }
  const attachment = { lan: cluster.lan, address: `${BALANCER_ADDRESS}/24`, gateway: '10.0.0.1' };
  const balancer = await cluster.lab.host('balancer', attachment);
  for (const { name, debianPackage, port, present, start } of CHALLENGERS) {
    if ((await balancer.exec('sh', ['-c', `PATH=$PATH:/usr/sbin; ${present}`])).code !== 0) {
      missing.push(`${name} (apt-get install ${debianPackage})`);
      continue;
    }
    const program = await start(balancer, servers);
    const target = () => `${BALANCER_ADDRESS}:${port}`;
    contenders.push({ name, target, ...(program === undefined ? {} : { pid: program.pid }) });
  }
  return { contenders, missing };
}

/** Kernel NAT both ways, so that the answers come back through the balancer. */
async function startNftables(host: Host, servers: readonly string[]): Promise<undefined> {
  const map = servers.map((server, index) => `${index} : ${server}`).join(', ');
  const rules = `
table ip balance {
  chain in {
    type nat hook prerouting priority -100;
    ip daddr ${host.address} tcp dport ${PORTS.nftables} dnat to numgen inc mod ${servers.length} map { ${map} }
  }
  chain out {
    type nat hook postrouting priority 100;
    ip saddr != ${host.address} oifname "eth0" masquerade
  }
}
`;
  const forwarding = await host.exec('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  const { code, stderr } = await host.exec('nft', ['-f', '-'], rules);
  if (code !== 0 || forwarding.code !== 0) {
    throw new LabError('commandFailed', `nftables does not take the rules of the bench: ${stderr}`);
  }
}

async function startHaproxy(host: Host, servers: readonly string[]): Promise<LabProcess> {
  const lines = servers.map((server, index) => `  server s${index} ${server}:80`);
  const config = `
global
  nbthread 1
  maxconn 400
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen balance
  bind ${host.address}:${PORTS.haproxy}
  balance roundrobin
${lines.join('\n')}
`;
  const file = join(host.directory, 'haproxy.cfg');
  await writeFile(file, config);
  return startDaemon(host, 'haproxy', ['-db', '-f', file], PORTS.haproxy);
}

async function startNginxStream(host: Host, servers: readonly string[]): Promise<LabProcess> {
  const config = `
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
master_process off;
pid ${host.directory}/nginx.pid;
error_log stderr;
events { worker_connections 1000; }
stream {
  upstream servers { ${servers.map((server) => `server ${server}:80;`).join(' ')} }
  server { listen ${PORTS.nginx} backlog=4096; proxy_pass servers; }
}
`;
  const file = join(host.directory, 'nginx.conf');
  await writeFile(file, config);
  return startDaemon(host, 'nginx', ['-p', host.directory, '-c', file], PORTS.nginx);
}
