/** What a host needs when the clusters of a running node change, over what it was given before. */
import type { HostChange } from './journal.js';
import { ruleOf, textOf } from './changes.js';
import { familyOf, type HostCluster } from './hostCluster.js';
import type { HostView } from './network.js';
import type { HostResult } from './problem.js';
import { wantedChanges, type HostLinks } from './wanted.js';

type Change<Kind extends HostChange['kind']> = Extract<HostChange, { readonly kind: Kind }>;

/** What is to be made, and what is not wanted any more. */
export interface HostDifference {
  readonly add: readonly HostChange[];
  /** Settings are not among them: others may rely on them meanwhile. They go at the end. */
  readonly remove: readonly HostChange[];
}

/** Works out the difference between what was made and what `clusters` want. Changes nothing. */
export function hostDifference(
  network: HostView,
  links: HostLinks,
  clusters: readonly HostCluster[],
  made: readonly HostChange[],
): HostResult<HostDifference> {
  const wanted = wantedChanges(withoutChanges(network, made), links, clusters, tablesOf(made));
  if (!wanted.ok) return wanted;
  const [has, wants] = [made, wanted.value].map((changes) => new Set(changes.map(textOf)));
  const add = wanted.value.filter((change) => !has.has(textOf(change)));
  const remove = made.filter((change) => change.kind !== 'sysctl' && !wants.has(textOf(change)));
  return { ok: true, value: { add, remove } };
}

/** Gateways keep the tables that they have: another may not move into one that is in use. */
function tablesOf(made: readonly HostChange[]): ReadonlyMap<string, number> {
  return new Map(
    made.flatMap((change) => (change.kind === 'route' ? [[change.gateway, change.table] as const] : [])),
  );
}

/** The host as it would be without the changes. */
function withoutChanges(network: HostView, made: readonly HostChange[]): HostView {
  const of = <Kind extends HostChange['kind']>(kind: Kind): Change<Kind>[] =>
    made.filter((change): change is Change<Kind> => change.kind === kind);
  const before = new Map(of('sysctl').map((change) => [change.path, change.before]));
  const addresses = new Set(of('address').map(({ address }) => address));
  const rules = new Set(of('rule').map((change) => textOf(ruleOf(change))));
  const routes = of('route');
  const neighbours = of('neighbour');
  return {
    readSysctl: (path) => before.get(path) ?? network.readSysctl(path),
    addresses: () =>
      network.addresses().filter((each) => each.interface !== 'lo' || !addresses.has(each.address)),
    rules: (family) => network.rules(family).filter((rule) => !rules.has(textOf(rule))),
    routes: (family, table) => {
      const ours = routes.some((each) => each.table === table && familyOf(each.gateway) === family);
      return ours ? [] : network.routes(family, table);
    },
    neighbours: () =>
      network
        .neighbours()
        .filter(
          ({ interface: name, address, state }) =>
            state !== 'permanent' ||
            !neighbours.some((each) => each.interface === name && each.address === address),
        ),
  };
}
