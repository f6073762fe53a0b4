import type { ControlProviders, OrderRequest } from '../../src/control/index.js';
import { EventLog } from '../../src/events/eventLog.js';
import { History } from '../../src/history/history.js';

/** What a node in good order answers, in short. Orders that it is given are added to `ordered`. */
export function provide(ordered: OrderRequest[], more: Partial<ControlProviders> = {}): ControlProviders {
  const providers = {
    status: () => ({ address: '10.0.0.11', ring: { members: [] } }),
    connections: async (limit: number) => ({ total: 0, connections: [], limit }),
    history: new History(),
    events: new EventLog({ nowMs: () => 0 }),
    metrics: { contentType: 'text/plain', text: async () => 'ringmaster_role 1\n' },
    order: async (order: OrderRequest) => {
      ordered.push(order);
      return { ok: true, document: { servers: [] } };
    },
    reload: async () => ({ ok: true, document: { outcome: 'unchanged', changes: [], warnings: [] } }),
    explain: async () => ({ ok: false, message: 'nothing to explain' }),
    ...more,
  };
  return providers as unknown as ControlProviders;
}
