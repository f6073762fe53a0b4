import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addAddress,
  addDefaultRoute,
  addRule,
  deleteAddress,
  deleteDefaultRoute,
  deleteNeighbour,
  deleteRule,
  listAddresses,
  listNeighbours,
  listRoutes,
  listRules,
  setPermanentNeighbour,
  type PolicyRule,
} from 'libnetraw';
import { parseMac } from 'libnetraw/wire';

const VIRTUAL = parseMac('02:52:4d:00:00:64')!;
const STRANGER = parseMac('02:00:00:00:00:99')!;

const ip = (line: string): string => execFileSync('ip', line.split(' '), { encoding: 'utf8' });

/** What `ip` makes of what was changed: another program's view of the same kernel. */
describe('changing addresses, rules, routes and neighbours', () => {
  beforeAll(() => {
    ip('link add card type veth peer name card-peer');
    for (const name of ['card', 'card-peer']) ip(`link set ${name} up`);
    ip('link set lo up');
    ip('address add 10.5.0.11/24 dev card');
    ip('address add 2001:db8:5::11/64 dev card nodad');
  });
  afterAll(() => {
    ip('link delete card');
  });

  it.each([
    ['10.5.0.100', 32, '4'],
    ['2001:db8:5::100', 128, '6'],
  ] as const)('puts %s on lo, usable at once, and takes it off again', (address, length, version) => {
    const shown = (): string => ip(`-${version} -o address show dev lo`);
    const before = shown();
    expect(addAddress('lo', address, length)).toBe('added');
    expect(addAddress('lo', address, length)).toBe('present');
    expect(shown()).toContain(`${address}/${length}`.replace('/32', '/32 scope global lo'));
    expect(shown()).not.toContain('tentative');
    const listed = listAddresses().find((each) => each.address === address);
    expect(listed).toMatchObject({ prefixLength: length, scope: 'global', state: 'usable' });
    expect(deleteAddress('lo', address, length)).toBe('deleted');
    expect(deleteAddress('lo', address, length)).toBe('absent');
    expect(shown()).toBe(before);
  });

  it('sees that the kernel still looks for another owner of an IPv6 address', () => {
    ip('address add 2001:db8:5::77/64 dev card');
    const { state } = listAddresses().find((each) => each.address === '2001:db8:5::77')!;
    expect(['tentative', 'usable']).toContain(state);
    expect(state === 'tentative').toBe(ip('-6 -o address show dev card tentative').includes('::77'));
    ip('address del 2001:db8:5::77/64 dev card');
  });

  const RULES: readonly [string, PolicyRule, string][] = [
    [
      '-4',
      {
        family: 'ipv4',
        priority: 7400,
        table: 7400,
        incoming: 'lo',
        ipProtocol: 6,
        sourcePort: 8080,
        from: '10.5.0.11',
      },
      '7400:\tfrom 10.5.0.11 iif lo ipproto tcp sport 8080 lookup 7400',
    ],
    [
      '-4',
      { family: 'ipv4', priority: 7401, table: 7401, incoming: 'lo', ipProtocol: 17, sourcePort: 53 },
      '7401:\tfrom all iif lo ipproto udp sport 53 lookup 7401',
    ],
    [
      '-6',
      {
        family: 'ipv6',
        priority: 7400,
        table: 7400,
        incoming: 'lo',
        ipProtocol: 6,
        sourcePort: 8080,
        from: '2001:db8:5::11',
      },
      '7400:\tfrom 2001:db8:5::11 iif lo ipproto tcp sport 8080 lookup 7400',
    ],
  ];

  it.each(RULES)('%s: adds and deletes the rule %o', (version, rule, text) => {
    const shown = (): string => ip(`${version} rule show`);
    const before = shown();
    expect(addRule(rule)).toBe('added');
    expect(addRule(rule)).toBe('present');
    expect(shown()).toContain(text);
    expect(listRules(rule.family)).toContainEqual(rule);
    expect(deleteRule({ ...rule, sourcePort: 1 })).toBe('absent');
    expect(deleteRule(rule)).toBe('deleted');
    expect(deleteRule(rule)).toBe('absent');
    expect(shown()).toBe(before);
  });

  it.each([
    ['-4', 'ipv4', '10.5.0.1', '10.5.0.11', '192.0.2.1'],
    ['-6', 'ipv6', '2001:db8:5::1', '2001:db8:5::11', '2001:db8:9::1'],
  ] as const)(
    '%s: sends what a rule chooses to the MAC of a gateway that nobody is',
    (version, family, gateway, source, far) => {
      const before = ip(`${version} route show table all`);
      const route = { table: 7400, gateway, interface: 'card', source };
      expect(addDefaultRoute(route)).toBe('added');
      expect(addDefaultRoute(route)).toBe('present');
      expect(ip(`${version} route show table 7400`)).toMatch(`default via ${gateway} dev card`);
      const listed = listRoutes(family, 7400);
      expect(listed).toHaveLength(1);
      expect(listed[0]).toMatchObject({ prefixLength: 0, gateway, destination: undefined });
      setPermanentNeighbour('card', gateway, STRANGER);
      setPermanentNeighbour('card', gateway, VIRTUAL);
      expect(ip(`${version} neighbour show dev card`)).toContain(
        `${gateway} lladdr 02:52:4d:00:00:64 PERMANENT`,
      );
      const neighbour = listNeighbours().find((each) => each.address === gateway);
      expect(neighbour).toMatchObject({ mac: VIRTUAL, state: 'permanent' });

      const rule: PolicyRule = {
        family,
        priority: 7400,
        table: 7400,
        incoming: 'lo',
        ipProtocol: 6,
        sourcePort: 8080,
        from: source,
      };
      addRule(rule);
      const chosen = ip(`${version} route get ${far} from ${source} ipproto tcp sport 8080 dport 1`);
      expect(chosen).toContain(`via ${gateway} dev card table 7400`);
      expect(deleteRule(rule)).toBe('deleted');

      expect(deleteNeighbour('card', gateway)).toBe('deleted');
      expect(deleteNeighbour('card', gateway)).toBe('absent');
      expect(deleteDefaultRoute(route)).toBe('deleted');
      expect(deleteDefaultRoute(route)).toBe('absent');
      expect(ip(`${version} route show table all`)).toBe(before);
    },
  );

  it('says what is wrong', () => {
    const route = { table: 7400, gateway: '10.5.0.1', interface: 'nowhere' };
    expect(() => addDefaultRoute(route)).toThrow(/via 10\.5\.0\.1 on nowhere.*ENODEV.*ip link/);
    expect(() => setPermanentNeighbour('nowhere', '10.5.0.1', VIRTUAL)).toThrow(/ENODEV/);
  });
});
