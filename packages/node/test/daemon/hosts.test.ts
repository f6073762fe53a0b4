import { createRing, type Announce, type RingState } from '@ringmaster/ring';
import { describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../../src/config/index.js';
import { activeHosts, hostOf, MemberNames, ownHost } from '../../src/daemon/hosts.js';
import { serverTable } from '../../src/daemon/serverTable.js';
import { statusDocument } from '../../src/daemon/statusDocument.js';
import { encodeServices, hostOfServices, OwnServices } from '../../src/services.js';

/** Ring addresses as over Ethernet: MACs, in another order than the hosts' addresses. */
const MAC = { self: 0x02_00_00_00_00_20, lower: 0x02_00_00_00_00_10, higher: 0x02_00_00_00_00_30 };

const cluster = (ports: number): ClusterConfig => ({
  address: '10.0.0.100',
  mode: 'l4/2',
  dispatch: 'routed',
  ports: Array.from({ length: ports }, (_, i) => ({
    port: 80 + i,
    protocol: 'tcp',
    scheduler: 'round-robin',
    stateless: false,
  })),
});

const describeHost = (address: number, services: Uint8Array) => ({
  address,
  mac: Uint8Array.of(2, 0, 0, 0, 0, address % 256),
  canDispatch: true,
  canServe: true,
  weight: 1,
  services,
  incarnation: 1,
});

const announce = (address: number, services: Uint8Array, dispatching = false): Announce => ({
  ...describeHost(address, services),
  createdAt: 1,
  joining: false,
  dispatching,
  leaving: false,
  newcomer: false,
  id: address % 256,
  highestId: 255 - 1,
});

/** This node is 10.0.0.11; the others announce these hosts. */
function ringWith(...others: Announce[]): RingState {
  const state = createRing(describeHost(MAC.self, encodeServices({ address: '10.0.0.11' }, [cluster(1)])));
  for (const other of others) state.roster.note(other, 0);
  return state;
}

describe('announced services', () => {
  it('begin with the address of the host', () => {
    const services = encodeServices({ address: '10.0.0.11' }, [cluster(2)]);
    expect([...services]).toEqual([10, 0, 0, 11, 10, 0, 0, 100, 0, 80, 6, 10, 0, 0, 100, 0, 81, 6]);
    expect(hostOfServices(services)).toBe(0x0a00000b);
  });

  it('fit an announcement, however many there are', () => {
    expect(encodeServices({ address: '255.255.255.254' }, [cluster(256)]).length).toBeLessThanOrEqual(255);
  });

  it('may come from somebody who says nothing', () => {
    expect(hostOfServices(new Uint8Array(3))).toBeUndefined();
    expect(hostOfServices(new Uint8Array(11))).toBeUndefined();
  });
});

describe('members are known by their hosts', () => {
  const lower = announce(MAC.lower, encodeServices({ address: '10.0.0.13' }, []));
  const higher = announce(MAC.higher, encodeServices({ address: '10.0.0.12' }, []), true);

  it('in the table of servers and in the questions for connections', () => {
    const state = ringWith(lower, higher);
    const mac = new Uint8Array(6);
    const fixed = { address: 0x0a000015, mac, weight: 1, active: true, local: false, fixed: true };
    expect(ownHost(state)).toBe(0x0a00000b);
    expect(activeHosts(state)).toEqual([0x0a00000b, 0x0a00000d, 0x0a00000c]);
    expect(
      serverTable(state, new OwnServices([]), [fixed, { ...fixed, address: 0x0a00000d }]).map(
        ({ address, local }) => [address, local],
      ),
    ).toEqual([
      [0x0a00000b, true],
      [0x0a00000d, false],
      [0x0a00000c, false],
      [0x0a000015, false],
    ]);
    state.roster.deactivate(MAC.lower);
    expect(activeHosts(state)).toEqual([0x0a00000b, 0x0a00000c]);
    expect(hostOf(state, MAC.lower)).toBe(0x0a00000d);
  });

  it('in the status, where they stand in the order of the ring', () => {
    const none = { sendErrors: 0, malformed: 0, overrun: 0 };
    const { address, ring } = statusDocument({
      services: new OwnServices([]),
      sharePercent: undefined,
      state: ringWith(lower, higher),
      stats: { connections: {}, verdicts: {}, workers: [] } as never,
      rebuild: { state: 'idle', percent: 0, ms: 0 },
      ringDrops: {},
      inventoryRefused: 0,
      maxConnections: 16,
      socket: none,
      fixedServers: [],
      operation: { loadOf: () => undefined, notUnderstood: 0, endedConnections: 0 },
      health: [],
      balancing: { weighing: () => ({ share: 1, loadFactor: 1 }) },
    });
    expect(address).toBe('10.0.0.11');
    expect(ring.dispatcher).toBe('10.0.0.12');
    expect(ring.members.map((member) => member.address)).toEqual(['10.0.0.13', '10.0.0.11', '10.0.0.12']);
  });

  it('and not at all when they have told no address, or somebody else is known by it', () => {
    const silent = announce(MAC.lower, new Uint8Array(0));
    const thief = announce(MAC.higher, encodeServices({ address: '10.0.0.11' }, []));
    const state = ringWith(silent, thief);
    expect(activeHosts(state)).toEqual([0x0a00000b]);
    expect(hostOf(state, MAC.lower)).toBeUndefined();
  });

  it('in logs, also when the news is that they are forgotten', () => {
    const names = new MemberNames();
    const state = ringWith(lower);
    expect(names.show(state, MAC.self)).toBe('10.0.0.11');
    expect(names.show(state, MAC.lower)).toBe('10.0.0.13');
    state.roster.deactivate(MAC.lower);
    state.roster.forget(1);
    expect(names.show(state, MAC.lower)).toBe('10.0.0.13');
    expect(names.show(state, MAC.higher)).toBe('with ring address 20000000030');
  });
});
