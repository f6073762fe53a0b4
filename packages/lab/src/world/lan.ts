import { BlockList } from 'node:net';
import { LabError } from '../errors.js';
import { ipBatch, must, run } from './command.js';

/** What can be connected: a host, seen from the LAN. */
export interface Station {
  readonly name: string;
  readonly namespace: string;
}

/** The switch that a LAN starts with; a partition adds more of them. */
const FIRST_SWITCH = 'br0';

/** `numgen` counts in these steps, so that losses of a hundredth of a percent can be asked for. */
const LOSS_STEPS = 10_000;

/**
 * An Ethernet segment: a learning bridge in a namespace of its own, so that the hosts cannot see it and it costs them
 * no rule. Faults of the network happen here, never on the hosts.
 */
export class Lan {
  readonly name: string;
  /** Its IPv4 network, e.g. `10.0.0.0/24`. */
  readonly network: string;
  /** Its IPv6 network, e.g. `fd00:a::/64`, if it has one. */
  readonly network6: string | undefined;
  readonly namespace: string;
  readonly #ports = new Set<string>();
  readonly #members = new BlockList();
  #switches = 1;
  #lossTable = false;

  /** Use `Lab.lan`. */
  constructor(name: string, network: string, namespace: string, network6?: string) {
    this.name = name;
    this.network = network;
    this.network6 = network6;
    this.namespace = namespace;
    const [address, prefix] = network.split('/');
    this.#members.addSubnet(address, Number(prefix));
  }

  /** Whether an IPv4 address belongs to its network. */
  holds(address: string): boolean {
    return this.#members.check(address);
  }

  /** Creates the namespace and its switch. */
  async build(): Promise<void> {
    await must('ip', ['netns', 'add', this.namespace]);
    await ipBatch(this.namespace, ['link set lo up', ...newSwitch(FIRST_SWITCH)]);
  }

  /** Connects the host's interface `nic` (created here, left down) to the switch. The port has the host's name. */
  async connect(host: Station, nic: string, mac: string): Promise<void> {
    const port = host.name;
    await ipBatch(this.namespace, [
      `link add name ${port} type veth peer name ${nic} address ${mac} netns ${host.namespace}`,
      `link set dev ${port} master ${FIRST_SWITCH} up`,
    ]);
    this.#ports.add(port);
  }

  /** Pulls the host's cable (its interface loses carrier) or puts it back. */
  async setCable(host: Station, plugged: boolean): Promise<void> {
    await ipBatch(this.namespace, [`link set dev ${host.name} ${plugged ? 'up' : 'down'}`]);
  }

  /**
   * Splits the segment: hosts of different groups no longer hear each other, as if the cable between two switches
   * were cut. Hosts that are not named stay with the first group.
   */
  async partition(...groups: readonly (readonly Station[])[]): Promise<void> {
    const lines: string[] = [];
    for (; this.#switches < groups.length; this.#switches++) lines.push(...newSwitch(`br${this.#switches}`));
    const placed = new Map([...this.#ports].map((port) => [port, 0]));
    groups.forEach((group, index) => group.forEach((host) => placed.set(host.name, index)));
    for (const [port, index] of placed) lines.push(`link set dev ${port} master br${index}`);
    await ipBatch(this.namespace, lines);
  }

  /** Ends a partition. */
  async heal(): Promise<void> {
    await this.partition([]);
  }

  /**
   * Loses `percent` (0 to 100, steps of 0.01) of the frames from and to the host, at random; 0 ends it.
   *
   * @throws LabError `toolMissing` without nftables: losses are made by an nftables chain on the switch's port.
   */
  async loss(host: Station, percent: number): Promise<void> {
    if (percent === 0 && !this.#lossTable) return;
    const steps = Math.round((percent / 100) * LOSS_STEPS);
    const lines = ['add table netdev loss'];
    for (const hook of ['ingress', 'egress']) {
      const chain = `netdev loss ${host.name}-${hook}`;
      lines.push(
        `add chain ${chain} { type filter hook ${hook} device "${host.name}" priority 0; }`,
        `flush chain ${chain}`,
      );
      if (steps > 0) lines.push(`add rule ${chain} numgen random mod ${LOSS_STEPS} < ${steps} drop`);
    }
    await this.#nft(lines);
    this.#lossTable = true;
  }

  async #nft(lines: readonly string[]): Promise<void> {
    if ((await run('sh', ['-c', 'command -v nft'])).code !== 0) {
      throw new LabError('toolMissing', 'Packet loss needs nftables in the lab: apt-get install nftables');
    }
    await must('ip', ['netns', 'exec', this.namespace, 'nft', '-f', '-'], `${lines.join('\n')}\n`);
  }
}

function newSwitch(name: string): string[] {
  // Without multicast snooping a multicast frame reaches every port, as on a plain switch.
  return [`link add name ${name} type bridge mcast_snooping 0 forward_delay 0`, `link set dev ${name} up`];
}
