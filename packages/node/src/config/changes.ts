/** The difference between two configurations, as people look at it. */
import type { Reloading } from './reloadable.js';
import { reloadingOf } from './reloadable.js';
import type { ClusterConfig, NodeConfig, ServicePortConfig } from './types.js';

/** One value that differs. */
export interface ConfigChange {
  /** Clusters by address and ports by number and protocol: `clusters[10.0.0.100].ports[80/tcp].scheduler`. */
  readonly path: string;
  /** `null` where there was, or is, nothing. */
  readonly from: unknown;
  readonly to: unknown;
}

/** What has names of its own in a list: those are compared one by one. */
const named = {
  clusters: (cluster: unknown) => (cluster as ClusterConfig).address,
  ports: (service: unknown) => {
    const { port, protocol } = service as ServicePortConfig;
    return `${port}/${protocol}`;
  },
};

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every value that differs, in the order of the keys. Where the file is and how lists are ordered makes no difference. */
export function configChanges(before: NodeConfig, after: NodeConfig): ConfigChange[] {
  return differences('', before, { ...after, file: before.file });
}

function differences(path: string, before: unknown, after: unknown): ConfigChange[] {
  if (isMapping(before) && isMapping(after)) return ofMappings(path, before, after);
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ path, from: before ?? null, to: after ?? null }];
}

function ofMappings(path: string, before: Mapping, after: Mapping): ConfigChange[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const inner = path === '' ? key : `${path}.${key}`;
    const nameOf = named[key as keyof typeof named] as ((value: unknown) => string) | undefined;
    return nameOf === undefined
      ? differences(inner, before[key], after[key])
      : ofLists(inner, nameOf, before[key] as readonly unknown[], after[key] as readonly unknown[]);
  });
}

function ofLists(
  path: string,
  nameOf: (value: unknown) => string,
  before: readonly unknown[],
  after: readonly unknown[],
): ConfigChange[] {
  const [was, is] = [before, after].map((list) => new Map(list.map((value) => [nameOf(value), value])));
  const names = new Set([...was.keys(), ...is.keys()]);
  return [...names].flatMap((name) => differences(`${path}[${name}]`, was.get(name), is.get(name)));
}

/** Whether a change can be made while the node runs. */
export const reloadingOfChange = ({ path }: Pick<ConfigChange, 'path'>): Reloading =>
  reloadingOf(path.replaceAll(/\[[^\]]*\]/g, ''));
