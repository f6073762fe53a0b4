/** Checks of what L4/3 changes of a host's routing. */
import {
  describeChange,
  FIRST_TABLE,
  gatewayChanges,
  LAST_TABLE,
  type HostCluster,
  type HostInterface,
} from '@ringmaster/node';
import { error, fine, problem, warning, type Finding } from './finding.js';
import type { NetworkContext } from './context.js';

const FAMILIES = [
  { family: 'ipv4', ip: 'ip' },
  { family: 'ipv6', ip: 'ip -6' },
] as const;

/** Rules that lead to a table of ours, and routes in these. */
function leftovers({ network }: NetworkContext): Finding[] {
  return FAMILIES.flatMap(({ family, ip }) => {
    const tables = network
      .rules(family)
      .map(({ table }) => table)
      .filter((table) => table >= FIRST_TABLE && table <= LAST_TABLE);
    return [...new Set([FIRST_TABLE, ...tables])].flatMap((table) => {
      const rules = tables.filter((each) => each === table).length;
      const routes = network.routes(family, table).length;
      if (rules + routes === 0) return [];
      const what = `routing table ${table} has ${routes} routes and ${rules} rules, though no node runs`;
      const why = 'answers of services here go to a ghost gateway, which may be nowhere';
      const cure = `\`ringmaster up\` undoes what a dead node left; otherwise run: ${ip} rule del table ${table} (${rules} times); ${ip} route flush table ${table}`;
      return [warning('routing', what, why, cure)];
    });
  });
}

/** The way of the answers through the ghost gateways. */
export function routing(
  context: NetworkContext,
  inner: HostInterface,
  clusters: readonly HostCluster[],
): Finding[] {
  const { network, running } = context;
  const left = running ? [] : leftovers(context);
  const found = gatewayChanges(network, inner, clusters);
  if (!found.ok) return [...left, problem('ghost-gateway', found.problem, 'the node does not start')];
  if (clusters.every(({ targets }) => targets.length === 0)) return left;
  if (!running) return [...left, fine('ghost-gateway', 'the node will lead the answers of l4/3 through it')];
  if (found.value.length === 0) {
    return [fine('ghost-gateway', 'the answers of l4/3 services go through it')];
  }
  const missing = found.value.map(describeChange).join(', ');
  const why = 'the node has put it there, and somebody has taken it away: answers go past the dispatcher';
  const cure = 'find out who changes routes and rules here; the node puts them back in a second';
  return [error('ghost-gateway', `missing: ${missing}`, why, cure)];
}
