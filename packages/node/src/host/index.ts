export { prepareHost, type PreparedHost, type PrepareHostOptions, type Probe } from './prepareHost.js';
export { arpProbe, conflictIn, probeAddresses } from './addressConflict.js';
export type { AddressConflict, ProbeKind, ProbeOptions, ProbePort } from './addressConflict.js';
export { neighbourConflictIn, neighbourProbe, neighbourProbes } from './neighbourConflict.js';
export { probeLan } from './lanProbe.js';
export { describeChange, type RestoreReport } from './changes.js';
export { hostClusters, type HostCluster } from './hostCluster.js';
export {
  broadcastOf,
  findInterface,
  findLink,
  SMALLEST_MTU_BYTES,
  type HostInterface,
  type UsableLink,
  type WantedAddresses,
} from './hostInterface.js';
export { journalPath } from './journal.js';
export { kernelNetwork } from './kernelNetwork.js';
export { inspectLeftover, type Leftover } from './leftover.js';
export type { HostAddress, HostLink, HostNeighbour, HostNetwork, HostRoute } from './network.js';
export { errorCode } from './problem.js';
export type { HostProblem, HostProblemCode, HostResult } from './problem.js';
export { gatewayChanges, isOnLink } from './ghostGateway.js';
export { FIRST_TABLE, LAST_TABLE } from './tables.js';
export { ipv6Obstacle, reversePathFilter } from './wanted.js';
