import { describe, expect, test } from 'vitest';
import { Layout } from '../src/cluster/layout.js';
import { formatTarget, parseTarget } from '../src/load/target.js';
import { address6Of, firstAddress, linkLocalOf, macOf } from '../src/world/addresses.js';

describe('addresses that follow from the IPv4 one', () => {
  test('end alike in IPv6, and are legible as MAC and as link-local address', () => {
    expect(address6Of('fd00:a::/64', '10.0.0.11/24')).toBe('fd00:a::11');
    expect(address6Of(undefined, '10.0.0.11')).toBeUndefined();
    expect(macOf('10.0.0.11')).toBe('02:00:0a:00:00:0b');
    expect(linkLocalOf('10.0.0.11/24')).toBe('fe80::0a00:000b');
    expect(firstAddress('10.0.0.0/24')).toBe('10.0.0.1/24');
  });
});

describe('targets', () => {
  test.each([
    ['10.0.0.100:80', '10.0.0.100', 80],
    ['[fd00:a::100]:9000', 'fd00:a::100', 9000],
  ])('%s is read as it is written', (text, host, port) => {
    expect(parseTarget(text)).toEqual({ host, port });
    expect(formatTarget(host, port)).toBe(text);
  });

  test('the port is 80 when it is left out', () => {
    expect(parseTarget('10.0.0.100')).toEqual({ host: '10.0.0.100', port: 80 });
    expect(parseTarget('[::1]')).toEqual({ host: '::1', port: 80 });
  });
});

describe('layouts', () => {
  test('plain: L4/2 over IPv4 with one card', () => {
    const layout = new Layout({});
    expect(layout.segment('lan')).toEqual(['lan', '10.0.0.0/24']);
    expect(layout.target(4, 'http')).toBe('10.0.0.100:80');
    expect(layout.settings()).toEqual({
      interface: 'eth0',
      clusters: [{ address: '10.0.0.100', mode: 'l4/2', ports: [{ port: 80, protocol: 'tcp' }] }],
    });
  });

  test('full: L4/3 in both families with two cards, mapped ports and ghost gateways on the inner side', () => {
    const layout = new Layout({ mode: 'l4/3', families: [4, 6], nics: 2, workers: 2, bulk: true });
    const ports = [
      { port: 80, protocol: 'tcp', targetPort: 8080 },
      { port: 9000, protocol: 'all', targetPort: 9009 },
    ];
    expect(layout.settings()).toEqual({
      interface: 'eth0',
      outside: { interface: 'eth1' },
      workers: 2,
      clusters: [
        { address: '10.1.0.100', mode: 'l4/3', gateway: '10.0.0.254', ports },
        { address: 'fd00:c::100', mode: 'l4/3', gateway: 'fd00:a::254', ports },
      ],
    });
    expect(layout.target(6, 'bulk')).toBe('[fd00:c::100]:9000');
    expect(layout.servicePort('bulk')).toBe(9009);
  });
});
