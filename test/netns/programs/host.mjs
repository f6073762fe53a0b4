// Takes a host of the lab into a cluster and back out of it, without a node.
import { kernelNetwork, prepareHost } from '../../../packages/node/dist/host/index.js';
import { serve } from './channel.mjs';

let prepared;

serve({
  async prepare(options) {
    const result = await prepareHost({ network: kernelNetwork, ...options });
    if (!result.ok) throw Object.assign(new Error(result.problem.message), { code: result.problem.code });
    prepared = result.value;
    const { recovered, interface: inner, outside } = prepared;
    return { recovered, address6: inner.address6, outside: outside?.name };
  },
  repair: () => prepared.repair(),
  restore: () => prepared.restore(),
});
