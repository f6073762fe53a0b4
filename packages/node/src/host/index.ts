export {
  prepareHost,
  type HostTransition,
  type PreparedHost,
  type PrepareHostOptions,
  type Probe,
} from './prepareHost.js';
export { arpProbe, conflictIn, probeAddresses } from './addressConflict.js';
export type { AddressConflict, ProbeKind, ProbeOptions, ProbePort } from './addressConflict.js';
export { neighbourConflictIn, neighbourProbe, neighbourProbes } from './neighbourConflict.js';
export { probeLan } from './lanProbe.js';
export { watchLan } from './lanWatch.js';
export { countDispatchers, tryForeignMac, tryFullSize, type TrialResult } from './lanTrials.js';
export { decodeAdvertisement, Sightings } from './sightings.js';
export type { Advertiser, RingSpeaker, VirtualClaim } from './sightings.js';
export { keyIdsOf } from './keyIds.js';
export { tryKernel, type FeatureTrial, type KernelFeature } from './kernelFeatures.js';
export { mergesInHardware, switchLargeReceive, switchLinkOn } from './linkSwitches.js';
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
export { inspectLeftover, recoverLeftover, type Leftover } from './leftover.js';
export type { HostAddress, HostLink, HostNeighbour, HostNetwork, HostRoute } from './network.js';
export { errorCode } from './problem.js';
export type { HostProblem, HostProblemCode, HostResult } from './problem.js';
export { gatewayChanges, isOnLink } from './ghostGateway.js';
export { FIRST_TABLE, LAST_TABLE } from './tables.js';
export { ipv6Obstacle, reversePathFilter } from './wanted.js';
