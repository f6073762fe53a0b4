import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig, type NodeConfig } from '../../src/config/index.js';

/** Rules for addresses, gateways, virtual MACs, target ports, and servers outside the ring. */

const FILE = '/etc/ringmaster/ringmaster.yaml';

const GOOD = `interface: eth0
ring:
  keyFile: cluster.key
clusters:
  - address: 10.0.0.100
    ports:
      - port: 80
`;

const NAT = `interface: eth0
ring:
  keyFile: cluster.key
clusters:
  - address: 10.0.0.100
    mode: l4/3
    gateway: 10.0.0.99
    ports:
      - port: 80
        targetPort: 8080
`;

function good(text: string): NodeConfig {
  const result = parseConfig(text, FILE);
  if (!result.ok) throw new Error(result.problems.map((problem) => formatProblem(FILE, problem)).join('\n'));
  return result.value;
}

/** The problems of a bad file as the user reads them. */
function complaints(text: string): string[] {
  const result = parseConfig(text, FILE);
  return result.ok ? [] : result.problems.map((problem) => formatProblem('ringmaster.yaml', problem));
}

describe('addresses and services', () => {
  it('may have one gateway for several clusters, one of each IP version', () => {
    const { clusters } = good(`${NAT}  - address: 10.0.0.101
    mode: l4/3
    gateway: 10.0.0.99
    ports: [{ port: 81, targetPort: 8081 }]
  - address: 2001:db8::100
    mode: l4/3
    gateway: fe80::99
    ports: [{ port: 80, targetPort: 8080 }]
`);
    expect(clusters.map(({ gateway }) => gateway)).toEqual(['10.0.0.99', '10.0.0.99', 'fe80::99']);
  });

  const cases: [string, string, string[]][] = [
    [
      'a gateway of the other IP version',
      NAT.replace('gateway: 10.0.0.99', 'gateway: fe80::99'),
      ["ringmaster.yaml:7: clusters[0].gateway: expected an IPv4 address, like the cluster's own"],
    ],
    [
      'a gateway that is the cluster itself',
      NAT.replace('10.0.0.99', '10.0.0.100'),
      [
        'ringmaster.yaml:7: clusters[0].gateway: 10.0.0.100 is already at clusters[0].address; each of the two needs its own',
      ],
    ],
    [
      'a gateway that is the node itself',
      `address: 10.0.0.99\n${NAT}`,
      [
        "ringmaster.yaml:8: clusters[0].gateway: 10.0.0.99 is also this node's own address; a ghost gateway belongs to no node",
      ],
    ],
    [
      'a gateway with the virtual MAC of a cluster',
      NAT.replace('10.0.0.99', '10.1.0.0').replace('10.0.0.100', '172.1.0.0'),
      [
        'ringmaster.yaml:7: clusters[0].gateway: 10.1.0.0 ends in the same three numbers as clusters[0].address, so both would have one virtual MAC; choose addresses that differ there',
      ],
    ],
    [
      'two IPv6 clusters with one virtual MAC',
      GOOD.replace('10.0.0.100', '2001:db8::1:100') +
        "  - address: '2001:db8::2:1:100'\n    ports: [{ port: 80 }]\n",
      [
        'ringmaster.yaml:8: clusters[1].address: 2001:db8::2:1:100 ends in the same six hexadecimal digits as clusters[0].address, so both would have one virtual MAC; choose addresses that differ there',
      ],
    ],
    [
      'an IPv6 cluster address twice, in two spellings',
      GOOD.replace('10.0.0.100', '2001:db8::100') +
        "  - address: '2001:DB8:0::100'\n    ports: [{ port: 80 }]\n",
      [
        'ringmaster.yaml:8: clusters[1].address: 2001:db8::100 is already at clusters[0].address; each cluster needs its own',
      ],
    ],
    ...['fe80::1', '::ffff:10.0.0.1', '::1', 'ff02::1', 'fe80::1%eth0', '169.254.1.1'].map(
      (address): [string, string, string[]] => [
        `the address ${address}, at which no cluster can be`,
        GOOD.replace('10.0.0.100', `'${address}'`),
        [
          `ringmaster.yaml:5: clusters[0].address: expected an IPv4 or IPv6 unicast address, like 10.0.0.100, found "${address}"`,
        ],
      ],
    ),
    [
      'two services that cannot be told apart by what the servers say',
      `${NAT}      - { port: 8080 }
  - { address: 10.0.0.101, mode: l4/3, gateway: 10.0.0.99, ports: [{ port: 81, targetPort: 8080 }] }
  - { address: '2001:db8::1', mode: l4/3, gateway: 'fe80::99', ports: [{ port: 8080, protocol: udp }] }
  - { address: '2001:db8::2', mode: l4/3, gateway: 'fe80::99', ports: [{ port: 8080, protocol: all }] }
`,
      [
        'ringmaster.yaml:11: clusters[0].ports[1].port: port 8080/tcp of the servers is already used over IPv4 at clusters[0].ports[0]; give one of them another targetPort',
        'ringmaster.yaml:12: clusters[1].ports[0].targetPort: port 8080/tcp of the servers is already used over IPv4 at clusters[0].ports[0]; give one of them another targetPort',
        'ringmaster.yaml:14: clusters[3].ports[0].port: port 8080/udp of the servers is already used over IPv6 at clusters[2].ports[0]; give one of them another targetPort',
      ],
    ],
    [
      'servers outside the ring that cannot be',
      NAT.replace(
        'targetPort: 8080',
        "targetPort: 8080\n        servers: [10.0.0.100, 10.0.0.99, '2001:db8::1', 10.0.0.21, 10.0.0.21]",
      ),
      [
        "ringmaster.yaml:11: clusters[0].ports[0].servers[0]: 10.0.0.100 is the cluster's own address; name another server",
        'ringmaster.yaml:11: clusters[0].ports[0].servers[1]: 10.0.0.99 is the ghost gateway; name another server',
        "ringmaster.yaml:11: clusters[0].ports[0].servers[2]: expected an IPv4 address, like the cluster's own",
        'ringmaster.yaml:11: clusters[0].ports[0].servers[4]: 10.0.0.21 is already at clusters[0].ports[0].servers[3]; name another server',
      ],
    ],
    [
      'a server outside the ring of two weights',
      NAT.replace('targetPort: 8080', 'targetPort: 8080\n        servers: [10.0.0.21]') +
        '      - { port: 81, servers: [10.0.0.22, { address: 10.0.0.21, weight: 2 }] }\n',
      [
        'ringmaster.yaml:12: clusters[0].ports[1].servers[1]: expected the same weight for 10.0.0.21 as at clusters[0].ports[0].servers[0], where it is 1',
      ],
    ],
    [
      'servers outside the ring and another port without address rewriting',
      `${GOOD}        servers: [10.0.0.21]\n        targetPort: 81\n`,
      [
        'ringmaster.yaml:8: clusters[0].ports[0].servers: only mode l4/3 has servers outside the ring; remove them or set mode: l4/3',
        'ringmaster.yaml:9: clusters[0].ports[0].targetPort: only mode l4/3 can change the port; remove it or set mode: l4/3',
      ],
    ],
    [
      'a server that is no address, and one that is too heavy',
      NAT.replace(
        'targetPort: 8080',
        'targetPort: 8080\n        servers: [web1, { address: 10.0.0.21, weight: 300 }]',
      ),
      [
        'ringmaster.yaml:11: clusters[0].ports[0].servers[0]: expected an IPv4 or IPv6 unicast address, like 10.0.0.100, found "web1"',
        'ringmaster.yaml:11: clusters[0].ports[0].servers[1].weight: expected a share of the load (a whole number from 1 to 255), found 300',
      ],
    ],
    [
      'a scheduler that needs the map it is to do without',
      `${GOOD}        stateless: true\n`,
      [
        'ringmaster.yaml:8: clusters[0].ports[0].stateless: only scheduler source-hash or maglev can do without a connection map',
      ],
    ],
  ];

  it.each(cases)('with %s are refused', (_, text, expected) => {
    expect(complaints(text)).toEqual(expected);
  });
});
