/** The commented configuration that `ringmaster init` writes: it documents every key. */

export interface TemplateOptions {
  /** The interface that faces the cluster's network, like `eth0`. */
  readonly interface: string;
  /** The cluster address, like `10.0.0.100`. */
  readonly address: string;
}

/**
 * The JSON Schema stands beside the configuration: editors find it without a network, whatever machine the two are copied to,
 * and it is that of the version which wrote them. A path of the installation would be right on one machine only.
 */
export const SCHEMA_FILE = 'ringmaster.schema.json';

/** YAML with every key that has a meaning in this version, defaults written out or in comments. */
export function configTemplate(options: TemplateOptions): string {
  return `# yaml-language-server: $schema=${SCHEMA_FILE}
# Ringmaster configuration. Every node of a cluster has the same file, apart from 'interface', 'address',
# 'weight' and 'capabilities', which may differ. Check it with:  ringmaster check FILE
# All keys are explained in docs/configuration.md. A line that starts with '#' is a comment.

# The network interface that faces the other nodes and the router. Its first IPv4 address is the node's place
# in the ring; 'address' chooses another one of its addresses.
interface: ${options.interface}
# address: 10.0.0.11
# For l4/3 over IPv6, which of its IPv6 addresses is the node's own; without this, its first global one.
# address6: 2001:db8::11
# With a second card towards the clients: the router is there, and the cluster addresses are.
# outside: { interface: eth1 }

# This node's share of the load, 1 to 255, for schedulers that weigh.
weight: 1

# How long a server that joins, returns or is undrained takes to get its full share of new connections.
slowStartMs: 0

# What this node may do: dispatch connections to the others, serve them itself, or both.
capabilities: [dispatch, serve]

ring:
  # What carries the ring: udp, or ethernet frames of an EtherType of their own. The same on all.
  transport: udp
  # UDP and TCP port on which the nodes talk, the same on all.
  port: 7400
  # The shared secret: nodes without it are never admitted. A relative path starts from this file's directory.
  # While rotating keys, a list: the first seals, all of them open.  keyFile: [new.key, old.key]
  keyFile: cluster.key
  # Instead of a key, on a network that nobody else can reach:
  # insecure: true

  # How often the heartbeat goes round.
  heartbeatIntervalMs: 50
  # Silence for this long counts as a failure. Lower finds faults sooner, higher forgives busy hosts.
  communicationTimeoutMs: 250
  # How long nodes have to answer a broadcast, and so how long a rebuild of the ring takes.
  broadcastTimeoutMs: 100

  # Who dispatches: smallest or largest address, or the i-th of either, like { smallest: 2 }.
  election: smallest
  # Whether a preferred node that returns takes over from a dispatcher that works.
  preempt: true
  # How long it waits before it does.
  holdDownMs: 0
  # Quorum: with fewer members than this nobody dispatches. More than half of the nodes forbids a split brain.
  minimumMembers: 1

${clustersSection(options.address)}
# How many threads dispatch packets.
workers: 1

# How many connections the dispatcher remembers, at 48 bytes each.
maxConnections: 1048576

control:
  # Where \`ringmaster status\` finds the node. Only its owner may use it.
  socket: /run/ringmaster.sock
  # The same over TCP, for those who show the token.
  # listen: "10.0.0.11:7481"
  # tokenFile: control.token
  # tls: { certificate: node.pem, key: node.key, clientCa: operators.pem }

# Metrics for Prometheus over TCP.
# metrics: { listen: "10.0.0.11:7482" }

# A page that shows the ring live. Where others can reach it, it needs a token.
# dashboard: { listen: "127.0.0.1:7480", tokenFile: dashboard.token, allowChanges: true }
`;
}

function clustersSection(address: string): string {
  return `clusters:
  # The address that clients call. It belongs to no host: the nodes take it on and give it back themselves.
  - address: ${address}
    # How packets are passed on: l4/2 rewrites MAC addresses, and servers answer the clients directly;
    # l4/3 rewrites IP addresses, and servers answer through the dispatcher, at a ghost gateway.
    mode: l4/2
    # routed: one dispatcher gets all packets, and chooses a server for each connection; broadcast (l4/2 only): none does,
    # every node takes its share of the clients.
    dispatch: routed
    # l4/3 only: a free address of the network of 'interface', which belongs to no host either.
    # gateway: 10.0.0.99
    ports:
      - port: 80
        # tcp, udp or all
        protocol: tcp
        # Who gets the next connection.
        scheduler: round-robin
        # With scheduler source-hash or maglev: remember no connections, work out the server for each packet.
        # stateless: true
        # Clients of one network (here a whole address) stay with one server, for so long after their last new connection.
        # affinity: { prefix4: 32, prefix6: 128, timeoutMs: 600000 }
        # l4/3 only: another port of the servers, and servers that are no members of the ring.
        # targetPort: 8080
        # servers: [10.0.0.21, { address: 10.0.0.22, weight: 2 }]
        # A node whose own service fails this check leaves the ring until it answers again.
        # health: { http: "http://127.0.0.1:80/", intervalMs: 1000, timeoutMs: 1000, rise: 2, fall: 3 }
        # health: { http: "https://127.0.0.1/", status: [200, 300-399], serverName: www.example.org, insecure: false }
        # health: { tcp: "127.0.0.1:80" }
        # health: { command: [/usr/local/bin/check, --fast] }
`;
}
