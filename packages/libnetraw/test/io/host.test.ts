import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  findLink,
  formatIp,
  listAddresses,
  listLinks,
  listNeighbours,
  parseIp,
  readSysctl,
  SystemError,
  Wake,
  writeSysctl,
} from '../../src/index.js';

/** What these read is there on every Linux host, for every user. */
describe('netlink', () => {
  it('lists the loopback interface', () => {
    const lo = findLink('lo');
    expect(lo).toMatchObject({ name: 'lo', loopback: true });
    expect(lo?.mac).toHaveLength(6);
    expect(findLink('no-such-if')).toBeUndefined();
  });

  it('lists the same addresses as Node, and more', () => {
    const names = new Map(listLinks().map((link) => [link.index, link.name]));
    const ours = listAddresses().map((a) => `${names.get(a.interfaceIndex)} ${a.address}/${a.prefixLength}`);
    for (const [name, addresses] of Object.entries(networkInterfaces())) {
      for (const { cidr } of addresses ?? []) expect(ours).toContain(`${name} ${cidr}`);
    }
  });

  it('lists neighbours with valid addresses', () => {
    for (const { address } of listNeighbours()) expect(parseIp(address)).toBeDefined();
  });
});

describe('IP text', () => {
  it.each([['10.0.0.100'], ['255.255.255.255'], ['fe80::1'], ['::'], ['2001:db8::5:0:0:1']])(
    'round-trips %s',
    (text) => {
      expect(formatIp(parseIp(text)!.bytes)).toBe(text);
    },
  );

  it.each([[''], ['10.0.0'], ['10.0.0.256'], ['fe80::1%eth0'], ['host']])('refuses %j', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

describe('sysctl', () => {
  it('reads', () => {
    expect(readSysctl('net/ipv4/conf/lo/arp_ignore')).toMatch(/^\d$/);
  });

  it('says which setting is missing', () => {
    expect(() => readSysctl('net/ipv4/conf/no-such-if/arp_ignore')).toThrow(SystemError);
    expect(() => writeSysctl('net/ipv4/conf/no-such-if/arp_ignore', '1')).toThrow(
      /writing the kernel setting net\/ipv4\/conf\/no-such-if\/arp_ignore/,
    );
  });

  it('stays below /proc/sys', () => {
    expect(() => readSysctl('../self/status')).toThrow(/not a sysctl/);
  });
});

describe('errors', () => {
  it('have a stable code and say what to do', () => {
    const error = new SystemError(1, { syscall: 'socket', doing: 'opening a packet ring on eth0' });
    expect(error).toMatchObject({ code: 'EPERM', errno: 1, syscall: 'socket' });
    expect(error.message).toBe(
      'opening a packet ring on eth0: socket failed with EPERM - this needs CAP_NET_RAW and CAP_NET_ADMIN: ' +
        'run as root, or give the process these capabilities',
    );
    expect(new SystemError(9999, { syscall: 'x', doing: 'y' }).code).toBe('E9999');
  });
});

describe('Wake', () => {
  it('may be signalled often, cleared often, and shared by number', () => {
    const wake = Wake.create();
    const other = Wake.of(wake.fd);
    other.signal();
    other.signal();
    wake.clear();
    wake.clear();
    wake.close();
    expect(wake.fd).toBeGreaterThan(2);
  });
});
