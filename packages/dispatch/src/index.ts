/** The dispatch core: frame in, verdict out. Start at `Dispatcher`. */
export { Affinity, AFFINITY_NETWORKS, type AffinityOptions } from './balance/affinity.js';
export { LoadFactors, type LoadedServer, type ServerLoad } from './balance/loadFactors.js';
export { shareBuckets, type SharingMember } from './balance/shares.js';
export { SlowStart, type StartingServer } from './balance/slowStart.js';
export { ConnectionCounts } from './map/connectionTally.js';
export { ConnectionState } from './map/connectionRecord.js';
export { Counter, COUNTER_CELLS, describeCounters, dropCounter } from './counters.js';
export { Dispatcher } from './dispatcher.js';
export type { ExaminedService, Examination } from './explain/examiner.js';
export { type ClientFrame, clientFrame, type PacketName, PACKETS } from './explain/frames.js';
export { dropReasonTexts } from './explain/reasonTexts.js';
export { Rehearsal, type RehearsalOptions, type Rehearsed } from './explain/rehearsal.js';
export {
  DEFAULT_HEADROOM_BYTES,
  type DispatcherOptions,
  type DispatchMode,
  type EnterResult,
  type ReportedConnection,
} from './options.js';
export { SCHEDULER_NAMES, type SchedulerName } from './schedulers/create.js';
export type { Scheduler } from './schedulers/scheduler.js';
export { GONE_AFTER_MS, MAX_SERVERS, type ServerInfo, serverName } from './servers.js';
export {
  type AffinityConfig,
  type ClusterConfig,
  type ClusterMode,
  type FixedServerConfig,
  type PortConfig,
  serviceName,
} from './cluster.js';
export { MAX_CLUSTERS } from './serviceTree.js';
export type { ConnectionRow } from './snapshot.js';
export { defaultTimeouts, type Timeouts } from './map/timeouts.js';
export { DropReason, dropReasonNames, Verdict, verdictNames } from './verdicts.js';
export { announcementFrames, isVirtualMacOf, sharedMacOf, virtualMacOf } from './neighbours/virtualMac.js';
export { MAX_CONNECTIONS } from './map/connectionMap.js';
