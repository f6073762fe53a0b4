import { describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../src/config/index.js';
import { address6OfServices, encodeServices, hostOfServices, OwnServices } from '../src/services.js';
import { parseIpv6 } from 'libnetraw/wire';

const cluster = (address: string, ...ports: number[]): ClusterConfig => ({
  address,
  mode: 'l4/2',
  dispatch: 'routed',
  ports: ports.map((port) => ({ port, protocol: 'tcp', scheduler: 'round-robin', stateless: false })),
});
const announced = (address: string, ...clusters: ClusterConfig[]): Uint8Array =>
  encodeServices({ address, address6: '2001:db8::11' }, clusters);

describe('announced services (R9)', () => {
  it('begin with the address of the host', () => {
    expect(hostOfServices(announced('10.0.0.11', cluster('10.0.0.100', 80)))).toBe(0x0a00000b);
    expect(hostOfServices(Uint8Array.of(10, 0, 0))).toBeUndefined();
  });

  it('tell what a member can be given connections of, in whatever order, and whatever else it has', () => {
    const own = new OwnServices([cluster('10.0.0.100', 80, 443)]);
    const lackedBy = (...clusters: ClusterConfig[]) => own.lackedBy(announced('10.0.0.12', ...clusters));
    expect(lackedBy(cluster('10.0.0.100', 443, 80))).toEqual([]);
    expect(lackedBy(cluster('10.0.0.100', 80, 443, 8080))).toEqual([]);
    expect(lackedBy(cluster('10.0.0.100', 80))).toEqual(['10.0.0.100:443/tcp']);
    expect(lackedBy(cluster('10.0.0.200', 80, 443))).toEqual(['10.0.0.100:80/tcp', '10.0.0.100:443/tcp']);
    expect(own.lackedBy(new Uint8Array(0))).toHaveLength(2);
  });

  it('tell who has none at all of them', () => {
    const own = new OwnServices([cluster('10.0.0.100', 80, 443)]);
    expect(own.haveInCommon(announced('10.0.0.12', cluster('10.0.0.100', 443)))).toBe(true);
    expect(own.haveInCommon(announced('10.0.0.12', cluster('10.0.0.200', 443)))).toBe(false);
    expect(own.haveInCommon(new Uint8Array(0))).toBe(false);
  });

  it('are not judged when they are too many to be announced', () => {
    const many = Array.from({ length: 60 }, (_, i) => i + 1);
    expect(announced('10.0.0.11', cluster('10.0.0.100', ...many)).length).toBeLessThanOrEqual(255);
    const own = new OwnServices([cluster('10.0.0.100', ...many)]);
    const theirs = announced('10.0.0.12', cluster('10.0.0.200', 80));
    expect(own.lackedBy(theirs)).toEqual([]);
    expect(own.haveInCommon(theirs)).toBe(true);
  });

  describe('of other kinds than L4/2 over IPv4', () => {
    const nat = (address: string, gateway: string, change: { targetPort?: number } = {}): ClusterConfig => ({
      address,
      mode: 'l4/3',
      dispatch: 'routed',
      gateway,
      ports: [{ port: 80, protocol: 'tcp', scheduler: 'round-robin', stateless: false, ...change }],
    });
    const host = '10.0.0.12';

    it('are compared with all that must be alike, whatever the spelling', () => {
      const own = new OwnServices([nat('2001:db8::100', 'fe80::99', { targetPort: 8080 })]);
      const theirs = (...clusters: ClusterConfig[]) => own.haveInCommon(announced(host, ...clusters));
      expect(theirs(nat('2001:DB8:0::100', 'fe80:0::99', { targetPort: 8080 }))).toBe(true);
      expect(theirs(cluster('10.0.0.100', 80), nat('2001:db8::100', 'fe80::99', { targetPort: 8080 }))).toBe(
        true,
      );
      expect(theirs(nat('2001:db8::100', 'fe80::98', { targetPort: 8080 }))).toBe(false);
      expect(theirs(nat('2001:db8::100', 'fe80::99'))).toBe(false);
      expect(theirs({ ...nat('2001:db8::100', 'fe80::99', { targetPort: 8080 }), mode: 'l4/2' })).toBe(false);
      expect(new OwnServices([cluster('2001:db8::1', 80)]).lackedBy(announced(host))).toEqual([
        '[2001:db8::1]:80/tcp',
      ]);
    });

    it('do not keep a member that has them as well from the services of IPv4', () => {
      const both = announced(host, cluster('10.0.0.100', 80), nat('2001:db8::100', 'fe80::99'));
      expect(new OwnServices([cluster('10.0.0.100', 80)]).lackedBy(both)).toEqual([]);
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
      expect(new OwnServices([nat('2001:db8::100', 'fe80::99')]).lackedBy(other)).toEqual([]);
    });
  });
});
