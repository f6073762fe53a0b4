import { Cluster, Transfer, type Family, type TransferEvent } from '@ringmaster/lab';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

/**
 * The data plane, cell by cell: each is real traffic. 10 MB there and back, compared by hash; the dispatcher killed while
 * such transfers are under way; and once more. One cluster serves the cells that can share it.
 */
interface Cell {
  readonly mode: 'l4/2' | 'l4/3';
  readonly nics: 1 | 2;
  readonly offloads: 'on' | 'off';
  readonly family: Family;
  readonly protocol: 'tcp' | 'udp';
}

const CELLS: readonly Cell[] = (['l4/2', 'l4/3'] as const).flatMap((mode) =>
  ([1, 2] as const).flatMap((nics) =>
    (['on', 'off'] as const).flatMap((offloads) =>
      ([4, 6] as const).flatMap((family) =>
        (['tcp', 'udp'] as const).map((protocol) => ({ mode, nics, offloads, family, protocol })),
      ),
    ),
  ),
);

/** Splits by the values of some keys, and keeps the order. */
function groupBy(list: readonly Cell[], name: (cell: Cell) => string): [string, [Cell, ...Cell[]]][] {
  const groups = new Map<string, Cell[]>();
  for (const cell of list) groups.set(name(cell), [...(groups.get(name(cell)) ?? []), cell]);
  return [...groups] as [string, [Cell, ...Cell[]]][];
}

const BYTES = 10_000_000;
const NODES = 3;
/** Slow enough that the dispatcher is killed in the middle. */
const RATE = 6_000_000;

let cluster: Cluster;

const transfer = (cell: Cell, rate = 0) =>
  new Transfer(cluster.client, cluster.targetOf(cell.family, 'bulk'), {
    protocol: cell.protocol,
    bytes: BYTES,
    rate,
  });

async function passesWhole(cell: Cell): Promise<void> {
  expect(await transfer(cell).outcome()).toMatchObject({ intact: true });
}

/**
 * One transfer for each of the servers, and the dispatcher's death in the middle of them. What it served over TCP itself
 * ends with it; a datagram finds another server.
 *
 * @returns how the others ended
 */
async function killAmidst(cell: Cell): Promise<TransferEvent[]> {
  const { address } = await cluster.whole();
  const victim = cluster.hostAt(address);
  const transfers = cluster.hosts.map(() => transfer(cell, RATE));
  const servers = await Promise.all(transfers.map((each) => each.reached(BYTES / 4)));
  await victim.kill();
  const dies = transfers.map((_, i) => cell.protocol === 'tcp' && servers[i].includes(victim.name));
  await Promise.all(transfers.filter((_, i) => dies[i]).map((each) => each.stop()));
  return Promise.all(transfers.filter((_, i) => !dies[i]).map((each) => each.outcome()));
}

for (const [set, ofCluster] of groupBy(
  CELLS,
  ({ mode, nics }) => `${mode}, ${nics === 1 ? 'one NIC' : 'two NICs'}`,
)) {
  describe(set, () => {
    beforeAll(async () => {
      const { mode, nics } = ofCluster[0];
      const families = [...new Set(ofCluster.map(({ family }) => family))];
      cluster = await Cluster.raise({ mode, nics, families, nodes: NODES, bulk: true });
    });
    afterAll(() => cluster?.close());
    afterEach(async () => {
      for (const host of cluster.hosts) await host.start();
      await cluster.whole();
    });

    for (const [state, ofState] of groupBy(ofCluster, ({ offloads }) => `offloads ${offloads}`)) {
      describe(state, () => {
        beforeAll(() => cluster.setOffloads(ofState[0].offloads === 'on'));

        test.each(ofState.map((cell) => [cell.family, cell.protocol, cell] as const))(
          'IPv%s, %s: 10 MB both ways are whole, through the death of the dispatcher and after it',
          async (_family, _protocol, cell) => {
            await passesWhole(cell);
            const outcomes = await killAmidst(cell);
            expect(outcomes.length).toBeGreaterThanOrEqual(NODES - 1);
            for (const outcome of outcomes) expect(outcome).toMatchObject({ intact: true });
            await passesWhole(cell);
          },
        );
      });
    }
  });
}
