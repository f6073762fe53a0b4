import { describeRule, type AddressFamily, type DefaultRoute, type PolicyRule } from 'libnetraw';
import { formatMac } from 'libnetraw/wire';
import type { HostAddress, HostLink, HostNeighbour, HostNetwork, HostRoute } from '../../src/host/index.js';

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
  ruleTable: PolicyRule[] = [];
  routeTable: (DefaultRoute & { family: AddressFamily })[] = [];
  neighbourTable: HostNeighbour[] = [];
  readonly sysctls = new Map<string, string>();
  /** Every change in order, as text. */
  readonly log: string[] = [];
  /** Called before each change; throws to refuse it. */
  beforeChange: (change: string) => void = () => undefined;

  constructor() {
    this.sysctls.set('net/ipv4/tcp_mtu_probing', '1');
    for (const scope of ['all', 'lo', 'eth0', 'eth1']) {
      this.sysctls.set(`net/ipv6/conf/${scope}/disable_ipv6`, '0');
      for (const name of ['arp_ignore', 'arp_announce', 'rp_filter']) {
        this.sysctls.set(`net/ipv4/conf/${scope}/${name}`, '0');
      }
    }
  }

  /** The whole state, to compare before and after. */
  state(): unknown {
    return {
      addresses: [...this.addressTable],
      rules: [...this.ruleTable],
      routes: [...this.routeTable],
      neighbours: [...this.neighbourTable],
      sysctls: Object.fromEntries(this.sysctls),
    };
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

  rules(family: AddressFamily): PolicyRule[] {
    return this.ruleTable.filter((rule) => rule.family === family);
  }

  addRule(rule: PolicyRule): 'added' | 'present' {
    this.#change(`add rule ${describeRule(rule)}`);
    if (this.#findRule(rule) >= 0) return 'present';
    this.ruleTable.push(rule);
    return 'added';
  }

  deleteRule(rule: PolicyRule): 'deleted' | 'absent' {
    this.#change(`delete rule ${describeRule(rule)}`);
    const at = this.#findRule(rule);
    if (at < 0) return 'absent';
    this.ruleTable.splice(at, 1);
    return 'deleted';
  }

  routes(family: AddressFamily, table: number): HostRoute[] {
    const there = this.routeTable.filter((route) => route.family === family && route.table === table);
    return there.map(({ gateway, interface: name }) => ({ prefixLength: 0, gateway, interface: name }));
  }

  addRoute({ table, gateway, interface: name, source }: DefaultRoute): 'added' | 'present' {
    this.#change(`add route via ${gateway} ${name} from ${source} table ${table}`);
    const family = gateway.includes(':') ? 'ipv6' : 'ipv4';
    if (this.routes(family, table).length > 0) return 'present';
    this.routeTable.push({ family, table, gateway, interface: name, source: source! });
    return 'added';
  }

  deleteRoute({ table, gateway, interface: name }: DefaultRoute): 'deleted' | 'absent' {
    this.#change(`delete route via ${gateway} ${name} table ${table}`);
    const at = this.routeTable.findIndex(
      (each) => each.gateway === gateway && each.interface === name && each.table === table,
    );
    if (at < 0) return 'absent';
    this.routeTable.splice(at, 1);
    return 'deleted';
  }

  neighbours(): HostNeighbour[] {
    return this.neighbourTable;
  }

  setNeighbour(interfaceName: string, address: string, mac: Uint8Array): void {
    this.#change(`fix ${address} ${interfaceName} ${formatMac(mac)}`);
    const others = this.neighbourTable.filter((each) => each.address !== address);
    this.neighbourTable = [...others, { interface: interfaceName, address, mac, state: 'permanent' }];
  }

  deleteNeighbour(interfaceName: string, address: string): 'deleted' | 'absent' {
    this.#change(`forget ${address} ${interfaceName}`);
    const others = this.neighbourTable.filter((each) => each.address !== address);
    const result = others.length < this.neighbourTable.length ? 'deleted' : 'absent';
    this.neighbourTable = others;
    return result;
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

  #findRule(rule: PolicyRule): number {
    return this.ruleTable.findIndex((each) => describeRule(each) === describeRule(rule));
  }

  #find(entry: HostAddress): number {
    return this.addressTable.findIndex(
      (each) => each.interface === entry.interface && each.address === entry.address,
    );
  }
}
