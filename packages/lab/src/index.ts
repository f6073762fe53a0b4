export { LabError, type LabErrorCode } from './errors.js';
export { enterLab, insideLab, runInLab } from './world/enter.js';
export { Lab, type HostOptions } from './world/lab.js';
export type { Lan } from './world/lan.js';
export type { Host, Attachment } from './world/host.js';
export { LabProcess, type ExitStatus, type SpawnOptions } from './world/process.js';
export { must, run, type CommandResult } from './world/command.js';
export { nowMs } from './clock.js';
export { startBulkService, startHttpService } from './services/service.js';
export { burst, HeldConnections, RequestStream, type LoadHost } from './load/load.js';
export { Transfer, type TransferSettings } from './load/transferProcess.js';
export { synFlood, type SynFloodOptions, type SynFloodReport } from './load/synFlood.js';
export type * from './load/events.js';
export { ringmaster, RingmasterNode, startNode, writeNodeFile, type NodeFile } from './cluster/node.js';
export { Cluster, ClusterHost, type ClusterOptions, type NodeSettings } from './cluster/cluster.js';
export {
  CLUSTER_ADDRESS,
  Layout,
  type Family,
  type LayoutOptions,
  type ServiceName,
} from './cluster/layout.js';
export {
  killDispatcher,
  PAUSE_BETWEEN_KILLS_MS,
  waitForDispatcher,
  type Failover,
} from './cluster/failover.js';
