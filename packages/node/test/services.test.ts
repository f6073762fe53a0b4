import { describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../src/config/index.js';
import { encodeServices, hostOfServices, offersAll } from '../src/services.js';

const cluster = (address: string, ...ports: number[]): ClusterConfig => ({
  address,
  mode: 'l4/2',
  ports: ports.map((port) => ({ port, protocol: 'tcp', scheduler: 'round-robin', stateless: false })),
});
const announced = (host: string, ...clusters: ClusterConfig[]): Uint8Array => encodeServices(host, clusters);

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
});
