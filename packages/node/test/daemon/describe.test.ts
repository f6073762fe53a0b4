import { virtualMacOf } from '@ringmaster/dispatch';
import { parseIp } from 'libnetraw/wire';
import { describe, expect, it } from 'vitest';
import { parseConfig, type NodeConfig } from '../../src/config/index.js';
import { dispatchClusters, listedPlaces } from '../../src/daemon/describe.js';
import { hostClusters, type HostInterface } from '../../src/host/index.js';

const TEXT = `
interface: eth0
ring: { insecure: true }
clusters:
  - address: 10.0.0.100
    ports: [{ port: 80 }, { port: 53, protocol: udp, scheduler: maglev, stateless: true }]
  - address: 2001:DB8:0::100
    ports: [{ port: 80 }]
  - address: 10.0.0.101
    mode: l4/3
    gateway: 10.0.0.99
    ports:
      - { port: 80, targetPort: 8080, protocol: all }
      - { port: 25, servers: [10.0.0.21, { address: 10.0.0.22, weight: 3 }] }
  - address: 2001:db8::101
    mode: l4/3
    gateway: fe80::99
    ports: [{ port: 443 }]
`;

function parse(text: string): NodeConfig {
  const result = parseConfig(text, '/etc/ringmaster.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

const CONFIG = parse(TEXT);
const HOST: HostInterface = {
  name: 'eth0',
  index: 2,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 11),
  mtuBytes: 1500,
  address: '10.0.0.11',
  prefixLength: 24,
  broadcast: '10.0.0.255',
  address6: '2001:db8::11',
};
const ip = (text: string) => parseIp(text)!;
const at = (text: string) => ({ address: ip(text), virtualMac: virtualMacOf(ip(text)) });

describe('the parts of a node are told', () => {
  it('what to dispatch', () => {
    const clusters = dispatchClusters(CONFIG);
    expect(clusters[0]).toEqual({
      ...at('10.0.0.100'),
      mode: 'l4/2',
      ports: [
        { port: 80, protocol: 'tcp', scheduler: 'round-robin', stateless: false },
        { port: 53, protocol: 'udp', scheduler: 'maglev', stateless: true },
      ],
    });
    expect(clusters[1]).toMatchObject({ ...at('2001:db8::100'), mode: 'l4/2' });
    expect(clusters[2]).toMatchObject({
      ...at('10.0.0.101'),
      mode: 'l4/3',
      gateway: at('10.0.0.99'),
      ports: [
        { port: 80, protocol: 'all', targetPort: 8080 },
        {
          port: 25,
          servers: [
            { address: ip('10.0.0.21'), weight: 1 },
            { address: ip('10.0.0.22'), weight: 3 },
          ],
        },
      ],
    });
    expect(clusters[3]).toMatchObject({ ...at('2001:db8::101'), gateway: at('fe80::99') });
  });

  it('where the host has connections: at the cluster address, or at its own and the target port', () => {
    expect(listedPlaces(CONFIG, HOST)).toEqual([
      { address: ip('10.0.0.100'), ports: [80, 53] },
      { address: ip('2001:db8::100'), ports: [80] },
      { address: ip('10.0.0.11'), ports: [8080] },
      { address: ip('2001:db8::11'), ports: [443] },
    ]);
    const ipv4Only = Object.fromEntries(Object.entries(HOST).filter(([key]) => key !== 'address6'));
    expect(listedPlaces(CONFIG, ipv4Only as unknown as HostInterface)).toHaveLength(3);
  });

  it('what the host serves, and what of it goes through a ghost gateway', () => {
    expect(hostClusters(CONFIG)).toEqual([
      { address: '10.0.0.100', mode: 'l4/2', gateway: undefined, isShared: false, targets: [] },
      { address: '2001:db8::100', mode: 'l4/2', gateway: undefined, isShared: false, targets: [] },
      {
        address: '10.0.0.101',
        mode: 'l4/3',
        gateway: '10.0.0.99',
        isShared: false,
        targets: [
          { protocol: 'tcp', port: 8080 },
          { protocol: 'udp', port: 8080 },
        ],
      },
      {
        address: '2001:db8::101',
        mode: 'l4/3',
        gateway: 'fe80::99',
        isShared: false,
        targets: [{ protocol: 'tcp', port: 443 }],
      },
    ]);
    const dispatcher = hostClusters({ ...CONFIG, capabilities: ['dispatch'] });
    expect(dispatcher.flatMap(({ targets }) => targets)).toEqual([]);
  });
});
