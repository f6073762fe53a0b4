// A data plane on a host of the lab, told by the test what to do.
import { listTcpConnections, listTcpConnections6, sendFrame } from 'libnetraw';
import { monotonicMs, startDataPlane } from '../../../packages/node/dist/dataplane/index.js';
import { serve } from './channel.mjs';

const LEASE_MS = 300;
const RENEWAL_MS = 100;
const errors = [];
let plane;
let renewal;

const renew = () => plane.renewLease(monotonicMs() + LEASE_MS);

serve({
  async start(options) {
    plane = await startDataPlane(options);
    plane.onError((error) => errors.push(error.code));
  },
  errors: () => errors,
  routesBy: () => plane.routesBy,
  role: (role) => plane.setRole(role),
  servers: (servers) => plane.setServers(servers),
  hold: (on) => plane.hold(on),
  enter: (server, list) => plane.enter(server, list),
  snapshot: (limit) => plane.snapshot(limit),
  stats: () => plane.stats(),
  close: () => plane.close(),
  announce: (name, frame) => sendFrame(name, frame),
  connections: (filter) => listTcpConnections(filter),
  connections6: (filter) => listTcpConnections6(filter),
  keepLease() {
    clearInterval(renewal);
    if (!renew()) renew();
    renewal = setInterval(renew, RENEWAL_MS);
  },
  endLease() {
    clearInterval(renewal);
    plane.renewLease(0);
  },
});
