export { LabError, type LabErrorCode } from './errors.js';
export { enterLab, insideLab, runInLab } from './world/enter.js';
export { Lab, type HostOptions } from './world/lab.js';
export type { Lan } from './world/lan.js';
export type { Host, Attachment } from './world/host.js';
export type { LabProcess, ExitStatus, SpawnOptions } from './world/process.js';
export type { CommandResult } from './world/command.js';
export { nowMs } from './clock.js';
export { startHttpService } from './services/service.js';
export { burst, HeldConnections, RequestStream } from './load/load.js';
export { synFlood, type SynFloodOptions, type SynFloodReport } from './load/synFlood.js';
export type * from './load/events.js';
export { ringmaster, RingmasterNode, startNode, writeNodeFile, type NodeFile } from './cluster/node.js';
export {
  Cluster,
  CLUSTER_ADDRESS,
  ClusterHost,
  type ClusterOptions,
  type NodeSettings,
} from './cluster/cluster.js';
export {
  killDispatcher,
  PAUSE_BETWEEN_KILLS_MS,
  waitForDispatcher,
  type Failover,
} from './cluster/failover.js';
