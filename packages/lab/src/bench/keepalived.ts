import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.js';
import type { RequestStream } from '../load/load.js';
import { nowMs } from '../clock.js';
import { startHttpService } from '../services/service.js';
import { run } from '../world/command.js';
import type { Host } from '../world/host.js';
import { Lab } from '../world/lab.js';
import type { LabProcess } from '../world/process.js';

const ADDRESS = '10.0.0.100';
const HOSTS = 3;
const START_LIMIT_MS = 15_000;
const ASK_EVERY_MS = 100;
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/** Whether keepalived is installed. */
export async function hasKeepalived(): Promise<boolean> {
  return (await run('sh', ['-c', `PATH=${PATH} command -v keepalived`])).code === 0;
}

/** A host with keepalived (VRRP only) and the same service that Ringmaster's nodes have in the lab. */
export class KeepalivedHost {
  readonly host: Host;
  private readonly priority: number;
  private readonly advertS: number;
  private service: LabProcess | undefined;
  private daemon: LabProcess | undefined;

  constructor(host: Host, priority: number, advertS: number) {
    this.host = host;
    this.priority = priority;
    this.advertS = advertS;
  }

  async start(): Promise<void> {
    const { host } = this;
    const file = join(host.directory, 'keepalived.conf');
    await writeFile(file, this.configuration());
    // What a killed keepalived left behind: else nobody could tell when this one has taken the address.
    await host.exec('ip', ['addr', 'del', `${ADDRESS}/24`, 'dev', 'eth0']);
    this.service = await startHttpService(host);
    const pidFiles = ['-p', join(host.directory, 'ka.pid'), '-r', join(host.directory, 'vrrp.pid')];
    const args = ['--dont-fork', '--log-console', '--vrrp', '-f', file, ...pidFiles];
    this.daemon = host.spawn('keepalived', args, { log: 'keepalived.log', env: { PATH } });
  }

  /** SIGKILL for keepalived and its child at once, without a farewell, and for the service. */
  async kill(): Promise<void> {
    const { daemon, service, host } = this;
    const children = await host.exec('cat', [join(host.directory, 'vrrp.pid')]);
    const child = Number(children.stdout.trim());
    if (!Number.isInteger(child) || child <= 1)
      throw new LabError('processExited', `keepalived of ${host.name} has no child`);
    // The child first: its parent's death would be a SIGTERM to it.
    process.kill(child, 'SIGKILL');
    daemon?.kill('SIGKILL');
    service?.kill('SIGKILL');
    await Promise.all([daemon?.exited, service?.exited]);
  }

  private configuration(): string {
    return `global_defs {
  vrrp_version 3
}
vrrp_instance cluster {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${this.priority}
  advert_int ${this.advertS}
  virtual_ipaddress {
    ${ADDRESS}/24
  }
}
`;
  }
}

/** client - router - LAN with three hosts, one of which has the address. */
export class KeepalivedCluster {
  readonly client: Host;
  readonly target = `${ADDRESS}:80`;
  /** Who has the address while it is well. */
  readonly preferred: KeepalivedHost;
  private readonly lab: Lab;

  private constructor(lab: Lab, client: Host, preferred: KeepalivedHost) {
    this.lab = lab;
    this.client = client;
    this.preferred = preferred;
  }

  static async raise(advertS: number): Promise<KeepalivedCluster> {
    const lab = await Lab.create();
    const lan = await lab.lan('lan', '10.0.0.0/24');
    const wan = await lab.lan('wan', '10.9.0.0/24');
    await lab.router('router', [lan, wan]);
    const client = await lab.host('client', { lan: wan, address: '10.9.0.2/24', gateway: '10.9.0.1' });
    const hosts: KeepalivedHost[] = [];
    for (let i = 0; i < HOSTS; i++) {
      const host = await lab.host(`n${i + 1}`, { lan, address: `10.0.0.${11 + i}/24`, gateway: '10.0.0.1' });
      hosts.push(new KeepalivedHost(host, 150 - 10 * i, advertS));
    }
    for (const host of hosts) await host.start();
    const cluster = new KeepalivedCluster(lab, client, hosts[0]);
    await cluster.hasAddress();
    return cluster;
  }

  /** Waits until the preferred host has the address again and requests are served. */
  async returned(stream: RequestStream): Promise<void> {
    await this.hasAddress();
    await stream.firstServed(nowMs(), START_LIMIT_MS);
  }

  close(): Promise<void> {
    return this.lab.close();
  }

  private async hasAddress(): Promise<void> {
    const { host } = this.preferred;
    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await host.exec('ip', ['-o', 'addr', 'show', 'dev', 'eth0'])).stdout.includes(`${ADDRESS}/`)) {
      if (Date.now() > deadline)
        throw new LabError('timeout', `keepalived of ${host.name} does not take ${ADDRESS}`);
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }
}
