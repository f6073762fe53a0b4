/** Configurations of every kind, good and bad, as files have them. */

/** The shortest. */
export const GOOD = `interface: eth0
ring:
  keyFile: cluster.key
clusters:
  - address: 10.0.0.100
    ports:
      - port: 80
`;

/** The example of the interface, key by key. */
export const FULL = `interface: eth0
outside: { interface: eth1 }
weight: 3
capabilities: [serve]
address: 10.0.0.11
address6: 2001:db8::11
workers: 2
maxConnections: 2048
ring:
  transport: ethernet
  port: 7401
  keyFile: [new.key, /keys/old.key]
  heartbeatIntervalMs: 20
  communicationTimeoutMs: 100
  broadcastTimeoutMs: 60
  election: { largest: 2 }
  preempt: false
  holdDownMs: 500
  minimumMembers: 3
clusters:
  - address: 10.0.0.100
    mode: l4/3
    gateway: 10.0.0.1
    ports:
      - port: 80
        protocol: tcp
        scheduler: load-aware
        targetPort: 8080
        servers: [10.0.0.21, { address: 10.0.0.22, weight: 2 }]
        health: { http: "http://127.0.0.1:80/", intervalMs: 500 }
      - port: 53
        protocol: all
        scheduler: maglev
        stateless: true
  - address: "2001:db8::100"
    ports: [{ port: 443, health: { tcp: "[::1]:443" } }]
control:
  socket: run/node.sock
`;

/** What is wrong, the file, and what its author is told. */
export const BAD: [string, string, string[]][] = [
  [
    'a misspelt key',
    GOOD.replace('keyFile', 'keyfile'),
    [
      "ringmaster.yaml:2: ring.keyFile: missing; expected the path of the cluster key (`ringmaster init` makes one), or 'insecure: true' to do without",
      'ringmaster.yaml:3: ring.keyfile: unknown key; did you mean keyFile?',
    ],
  ],
  [
    'a key that resembles none',
    GOOD.replace('- port: 80', '- port: 80\n        colour: red'),
    [
      'ringmaster.yaml:8: clusters[0].ports[0].colour: unknown key; expected one of port, protocol, scheduler, targetPort, stateless, servers, affinity, health',
    ],
  ],
  [
    'broadcast dispatch with what it cannot do',
    GOOD.replace(
      '    ports:',
      '    mode: l4/3\n    gateway: 10.0.0.99\n    dispatch: broadcast\n    ports:',
    ).replace('- port: 80', '- { port: 80, scheduler: maglev, stateless: true }'),
    [
      'ringmaster.yaml:6: clusters[0].mode: dispatch: broadcast works in l4/2 only',
      'ringmaster.yaml:10: clusters[0].ports[0].stateless: with dispatch: broadcast connections are remembered; remove it',
      "ringmaster.yaml:10: clusters[0].ports[0].scheduler: with dispatch: broadcast the hash of the client's address chooses; remove it",
    ],
  ],
  [
    'clusters that are dispatched in different ways',
    `${GOOD}  - { address: 10.0.0.101, dispatch: broadcast, ports: [{ port: 80 }] }\n`,
    ['ringmaster.yaml:8: clusters[1].dispatch: expected the same as at clusters[0], routed'],
  ],
  [
    'a wrong type',
    GOOD.replace('port: 80', 'port: http'),
    [
      'ringmaster.yaml:7: clusters[0].ports[0].port: expected a port number (a whole number from 1 to 65535), found "http"',
    ],
  ],
  [
    'an address that does not parse',
    GOOD.replace('10.0.0.100', '10.0.0.300'),
    [
      'ringmaster.yaml:5: clusters[0].address: expected an IPv4 or IPv6 unicast address, like 10.0.0.100, found "10.0.0.300"',
    ],
  ],
  [
    'an address that no host can own',
    GOOD.replace('10.0.0.100', '224.0.0.1'),
    [
      'ringmaster.yaml:5: clusters[0].address: expected an IPv4 or IPv6 unicast address, like 10.0.0.100, found "224.0.0.1"',
    ],
  ],
  [
    'two clusters with one address',
    `${GOOD}  - address: 10.0.0.100\n    ports: [{ port: 81 }]\n`,
    [
      'ringmaster.yaml:8: clusters[1].address: 10.0.0.100 is already at clusters[0].address; each cluster needs its own',
    ],
  ],
  [
    'two clusters with one virtual MAC',
    `${GOOD}  - address: 11.0.0.100\n    ports: [{ port: 81 }]\n`,
    [
      'ringmaster.yaml:8: clusters[1].address: 11.0.0.100 ends in the same three numbers as clusters[0].address, so both would have one virtual MAC; choose addresses that differ there',
    ],
  ],
  [
    'no gateway in l4/3',
    GOOD.replace('    ports', '    mode: l4/3\n    ports'),
    [
      'ringmaster.yaml:5: clusters[0].gateway: missing; expected the ghost gateway that servers use as their default route (mode l4/3)',
    ],
  ],
  [
    'a gateway elsewhere',
    GOOD.replace('    ports', '    gateway: 10.0.0.1\n    ports'),
    ['ringmaster.yaml:6: clusters[0].gateway: only mode l4/3 has a gateway; remove it or set mode: l4/3'],
  ],
  [
    'too many workers',
    `${GOOD}workers: 17\n`,
    [
      'ringmaster.yaml:8: workers: expected a number of threads for packets (a whole number from 1 to 16), found 17',
    ],
  ],
  [
    'one port twice',
    `${GOOD}      - { port: 80, protocol: all }\n`,
    ['ringmaster.yaml:8: clusters[0].ports[1]: port 80/tcp is already at clusters[0].ports[0]; remove one'],
  ],
  [
    'a health check of both kinds',
    `${GOOD}        health: { http: "http://127.0.0.1/", tcp: "127.0.0.1:80" }\n`,
    [
      'ringmaster.yaml:8: clusters[0].ports[0].health: expected one of the keys http, tcp and command, found http and tcp',
    ],
  ],
  [
    'a timeout too near to the heartbeat',
    GOOD.replace('  keyFile', '  communicationTimeoutMs: 60\n  keyFile'),
    [
      'ringmaster.yaml:3: ring.communicationTimeoutMs: expected communicationTimeoutMs (60) to be at least twice heartbeatIntervalMs (50), or one late heartbeat looks like a death',
    ],
  ],
  [
    'a key and none',
    GOOD.replace('  keyFile', '  insecure: true\n  keyFile'),
    ['ringmaster.yaml:3: ring.insecure: insecure: true and keyFile exclude each other; remove one of them'],
  ],
  [
    'a dashboard that others can reach, without a token',
    `${GOOD}dashboard: { listen: "0.0.0.0:7480" }\n`,
    [
      'ringmaster.yaml:8: dashboard.tokenFile: missing; others can reach 0.0.0.0:7480: expected the path of a file with a token, or a listen at 127.0.0.1',
    ],
  ],
  [
    'a control API over TCP for everybody',
    `${GOOD}control: { listen: "10.0.0.11:7481", tls: { certificate: a.pem, key: b.pem } }\n`,
    [
      'ringmaster.yaml:8: control.tokenFile: missing; control.listen is open to everybody: expected the path of a file with a token, or control.tls with a clientCa',
    ],
  ],
  [
    'a token for nothing',
    `${GOOD}control: { tokenFile: control.token }\n`,
    ['ringmaster.yaml:8: control.tokenFile: there is no control.listen that it is for'],
  ],
  [
    'a dashboard nowhere',
    `${GOOD}dashboard: { listen: "7480" }\n`,
    ['ringmaster.yaml:8: dashboard.listen: expected a host and a port, like 127.0.0.1:80, found "7480"'],
  ],
  [
    'an unknown word',
    GOOD.replace('    ports', '    mode: l4/4\n    ports'),
    ['ringmaster.yaml:6: clusters[0].mode: expected one of l4/2, l4/3, l7, found "l4/4"'],
  ],
  [
    'an election that is none',
    GOOD.replace('  keyFile', '  election: { smallest: 0 }\n  keyFile'),
    [
      'ringmaster.yaml:3: ring.election.smallest: expected a position in the order of addresses (a whole number from 1 to 254), found 0',
    ],
  ],
  [
    'nothing',
    '# only a comment\n',
    ['ringmaster.yaml: the file is empty; `ringmaster init` writes one to start from'],
  ],
  [
    'something else than a mapping',
    '- a\n- b\n',
    ['ringmaster.yaml:1: expected a mapping with interface, ring and clusters, found a list'],
  ],
  [
    'a key given twice',
    `${GOOD}interface: eth1\n`,
    ['ringmaster.yaml:8: not valid YAML: Map keys must be unique'],
  ],
  [
    'a socket path that no socket can have',
    `${GOOD}control: { socket: /${'s'.repeat(107)} }\n`,
    [
      `ringmaster.yaml:8: control.socket: expected a path of at most 107 bytes, found one of 108: /${'s'.repeat(107)}`,
    ],
  ],
];
