import type { HostAddress, HostLink, HostNetwork } from '../../src/host/index.js';

/** A refused system call, as libnetraw throws it. */
export function refusal(code: string): Error {
  return Object.assign(new Error(`refused with ${code}`), { code });
}

/** A host with `lo` and `eth0` that is a table, and that can be told to refuse. */
export class FakeNetwork implements HostNetwork {
  linkTable: HostLink[] = [
    { name: 'lo', index: 1, mac: new Uint8Array(6), mtuBytes: 65536, up: true },
    { name: 'eth0', index: 2, mac: Uint8Array.of(2, 0, 0, 0, 0, 11), mtuBytes: 1500, up: true },
  ];
  addressTable: HostAddress[] = [
    { interface: 'lo', address: '127.0.0.1', prefixLength: 8 },
    { interface: 'eth0', address: '10.0.0.11', prefixLength: 24, broadcast: '10.0.0.255' },
    { interface: 'eth0', address: '10.0.0.12', prefixLength: 24, broadcast: '10.0.0.255' },
  ];
  readonly sysctls = new Map<string, string>();
  /** Every change in order, as text. */
  readonly log: string[] = [];
  /** Called before each change; throws to refuse it. */
  beforeChange: (change: string) => void = () => undefined;

  constructor() {
    for (const scope of ['all', 'lo', 'eth0']) {
      for (const name of ['arp_ignore', 'arp_announce', 'rp_filter']) {
        this.sysctls.set(`net/ipv4/conf/${scope}/${name}`, '0');
      }
    }
  }

  /** The whole state, to compare before and after. */
  state(): unknown {
    return { addresses: [...this.addressTable], sysctls: Object.fromEntries(this.sysctls) };
  }

  links(): HostLink[] {
    return this.linkTable;
  }

  addresses(): HostAddress[] {
    return this.addressTable;
  }

  addAddress(entry: HostAddress): 'added' | 'present' {
    this.#change(`add ${entry.address}/${entry.prefixLength} ${entry.interface}`);
    if (this.#find(entry) >= 0) return 'present';
    this.addressTable.push(entry);
    return 'added';
  }

  deleteAddress(entry: HostAddress): 'deleted' | 'absent' {
    this.#change(`delete ${entry.address}/${entry.prefixLength} ${entry.interface}`);
    const at = this.#find(entry);
    if (at < 0) return 'absent';
    this.addressTable.splice(at, 1);
    return 'deleted';
  }

  readSysctl(path: string): string {
    const value = this.sysctls.get(path);
    if (value === undefined) throw refusal('ENOENT');
    return value;
  }

  writeSysctl(path: string, value: string): void {
    this.#change(`${path.replace('net/ipv4/conf/', '')}=${value}`);
    if (!this.sysctls.has(path)) throw refusal('ENOENT');
    this.sysctls.set(path, value);
  }

  #change(change: string): void {
    this.beforeChange(change);
    this.log.push(change);
  }

  #find(entry: HostAddress): number {
    return this.addressTable.findIndex(
      (each) => each.interface === entry.interface && each.address === entry.address,
    );
  }
}
