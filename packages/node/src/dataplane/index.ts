/** The packets' side of a node: `startDataPlane` raises a worker around the dispatcher of `@ringmaster/dispatch`. */
export { monotonicMs } from './clock.js';
export { startDataPlane, type DataPlane } from './dataPlane.js';
export { DataPlaneError, type DataPlaneErrorCode } from './errors.js';
export { obstacleToClusters } from './partition.js';
export type {
  ConnectionList,
  DataPlaneOptions,
  DataPlaneStats,
  EnterReport,
  Explained,
  PlaneShare,
} from './types.js';
export type { ServerInfo } from '@ringmaster/dispatch';
