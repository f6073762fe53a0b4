import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/index.js';
import { livingAddresses } from '../../src/dns/living.js';

const parsed = parseConfig(
  JSON.stringify({
    interface: 'eth0',
    ring: { insecure: true },
    clusters: [
      { address: '10.0.0.100', ports: [{ port: 80 }, { port: 443 }] },
      { address: 'fd00::100', ports: [{ port: 80 }] },
      {
        ...{ address: '10.0.0.101', mode: 'l4/3', gateway: '10.0.0.99' },
        ports: [{ port: 8080, servers: ['10.0.0.21'] }],
      },
    ],
  }),
  '/x.yaml',
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const config = parsed.value;
const ALL = ['10.0.0.100', 'fd00::100', '10.0.0.101'];
const server = (change: object = {}) => ({
  ...{ address: 0x0a00000b, mac: new Uint8Array(6), weight: 1, active: true, local: false },
  ...change,
});
const outside = server({ address: 0x0a000015, fixed: true });

describe('the addresses that somebody serves', () => {
  it('are those of which a server has at least one service', () => {
    expect(livingAddresses(config, [server(), outside], true)).toEqual(ALL);
    expect(livingAddresses(config, [server()], true)).toEqual(['10.0.0.100', 'fd00::100']);
    const lacks = ['[fd00::100]:80/tcp', '10.0.0.100:443/tcp'];
    expect(livingAddresses(config, [server({ lacks }), outside], true)).toEqual(['10.0.0.100', '10.0.0.101']);
    expect(livingAddresses(config, [server({ lacks }), server({ address: 12 })], true)).toContain(
      'fd00::100',
    );
  });

  it('are those of servers that take connections', () => {
    expect(livingAddresses(config, [server({ active: false }), outside], true)).toEqual(['10.0.0.101']);
    expect(livingAddresses(config, [server({ weight: 0 }), outside], true)).toEqual(['10.0.0.101']);
  });

  it('are all when nobody serves any, or the node cannot tell', () => {
    expect(livingAddresses(config, [server({ active: false })], true)).toEqual(ALL);
    expect(livingAddresses(config, [outside], false)).toEqual(ALL);
  });
});
