/** Enough of PromQL to say which metrics and labels a query names; whether it is one, Prometheus says (test/netns/watch.test.ts). */

export interface Named {
  readonly metrics: readonly string[];
  /** In selectors and in groupings. */
  readonly labels: readonly string[];
}

/** Words that are neither metrics nor labels, as far as they are used here. */
const WORDS = [
  ...['sum', 'max', 'min', 'count', 'rate', 'increase', 'max_over_time', 'vector'],
  ...['and', 'or', 'unless', 'offset', 'bool'],
];
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /\{([^}]*)\}/g;

/** @param query where Grafana's variables stand in strings and ranges only */
export function namedIn(query: string): Named {
  const labels: string[] = [];
  const bare = query
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\boffset\s+\w+/g, '')
    .replaceAll(SELECTOR, (_, matchers: string) => {
      labels.push(...[...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label));
      return '';
    })
    .replaceAll(GROUPING, (_, names: string) => {
      labels.push(...names.split(',').map((name) => name.trim()));
      return ' ';
    });
  const metrics = [...bare.matchAll(/[a-zA-Z_:][\w:]*/g)].map(([word]) => word);
  return { metrics: metrics.filter((word) => !WORDS.includes(word)), labels };
}

interface Target {
  readonly expr: string;
}

/** A board of Grafana, as far as queries stand in it. */
export interface Board {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly annotations: { readonly list: readonly (Target & { readonly name: string })[] };
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

/** All queries of a board with what they are for, as Prometheus gets them when all clusters are shown. */
export function queriesOf({ panels, annotations }: Board): { of: string; query: string }[] {
  const shown = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ of: title, query: expr })),
  );
  const marked = annotations.list.map(({ name, expr }) => ({ of: name, query: expr }));
  return [...shown, ...marked].map(({ of, query }) => ({
    of,
    query: query.replaceAll('$__rate_interval', '1m').replaceAll('$cluster', '.*'),
  }));
}
