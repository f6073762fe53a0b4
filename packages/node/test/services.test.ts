import { describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../src/config/index.js';
import { address6OfServices, encodeServices, hostOfServices, offersAll } from '../src/services.js';
import { parseIpv6 } from 'libnetraw/wire';

const cluster = (address: string, ...ports: number[]): ClusterConfig => ({
  address,
  mode: 'l4/2',
  ports: ports.map((port) => ({ port, protocol: 'tcp', scheduler: 'round-robin', stateless: false })),
});
const announced = (address: string, ...clusters: ClusterConfig[]): Uint8Array =>
  encodeServices({ address, address6: '2001:db8::11' }, clusters);

describe('announced services (R9)', () => {
  it('begin with the address of the host', () => {
    expect(hostOfServices(announced('10.0.0.11', cluster('10.0.0.100', 80)))).toBe(0x0a00000b);
    expect(hostOfServices(Uint8Array.of(10, 0, 0))).toBeUndefined();
  });

  it('tell who can be given connections: who has every service, in whatever order, and more', () => {
    const own = announced('10.0.0.11', cluster('10.0.0.100', 80, 443));
    expect(offersAll(own, announced('10.0.0.12', cluster('10.0.0.100', 443, 80)))).toBe(true);
    expect(offersAll(own, announced('10.0.0.12', cluster('10.0.0.100', 80, 443, 8080)))).toBe(true);
    expect(offersAll(own, announced('10.0.0.12', cluster('10.0.0.100', 80)))).toBe(false);
    expect(offersAll(own, announced('10.0.0.12', cluster('10.0.0.200', 80, 443)))).toBe(false);
    expect(offersAll(own, new Uint8Array(0))).toBe(false);
  });

  it('are not judged by a list that was cut off', () => {
    const many = Array.from({ length: 60 }, (_, i) => i + 1);
    const own = announced('10.0.0.11', cluster('10.0.0.100', ...many));
    expect(own.length).toBeLessThanOrEqual(255);
    expect(offersAll(own, announced('10.0.0.12', cluster('10.0.0.100', 80)))).toBe(true);
  });

  describe('of other kinds than L4/2 over IPv4', () => {
    const nat = (address: string, gateway: string, change: { targetPort?: number } = {}): ClusterConfig => ({
      address,
      mode: 'l4/3',
      gateway,
      ports: [{ port: 80, protocol: 'tcp', scheduler: 'round-robin', stateless: false, ...change }],
    });
    const host = '10.0.0.12';

    it('are compared with all that must be alike, whatever the spelling', () => {
      const own = announced('10.0.0.11', nat('2001:db8::100', 'fe80::99', { targetPort: 8080 }));
      const theirs = (...clusters: ClusterConfig[]) => offersAll(own, announced(host, ...clusters));
      expect(theirs(nat('2001:DB8:0::100', 'fe80:0::99', { targetPort: 8080 }))).toBe(true);
      expect(theirs(cluster('10.0.0.100', 80), nat('2001:db8::100', 'fe80::99', { targetPort: 8080 }))).toBe(
        true,
      );
      expect(theirs(nat('2001:db8::100', 'fe80::98', { targetPort: 8080 }))).toBe(false);
      expect(theirs(nat('2001:db8::100', 'fe80::99'))).toBe(false);
      expect(theirs({ ...nat('2001:db8::100', 'fe80::99', { targetPort: 8080 }), mode: 'l4/2' })).toBe(false);
      expect(offersAll(announced('10.0.0.11', cluster('2001:db8::1', 80)), announced(host))).toBe(false);
    });

    it('do not keep a member that has them as well from the services of IPv4', () => {
      const both = announced(host, cluster('10.0.0.100', 80), nat('2001:db8::100', 'fe80::99'));
      expect(offersAll(announced('10.0.0.11', cluster('10.0.0.100', 80)), both)).toBe(true);
      expect(hostOfServices(both)).toBe(0x0a00000c);
    });

    it("come with the host's IPv6 address where packets are rewritten to it, and not elsewhere", () => {
      const address = parseIpv6('2001:db8::11');
      const told = announced(host, nat('2001:db8::100', 'fe80::99'));
      expect(address6OfServices(told)).toEqual(address);
      expect(address6OfServices(told.subarray(0, 4 + 3 * 7))).toBeUndefined();
      expect(address6OfServices(announced(host, cluster('2001:db8::100', 80)))).toBeUndefined();
      expect(address6OfServices(announced(host, nat('10.0.0.100', '10.0.0.99')))).toBeUndefined();
      expect(address6OfServices(new Uint8Array(0))).toBeUndefined();
      // The address is no service: who has another one offers the same.
      const other = encodeServices({ address: host }, [nat('2001:db8::100', 'fe80::99')]);
      expect(offersAll(announced('10.0.0.11', nat('2001:db8::100', 'fe80::99')), other)).toBe(true);
    });
  });
});
