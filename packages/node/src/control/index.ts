export type * from './status.js';
export { startControlServer, type ControlServer } from './server.js';
export { controlLines, controlRequest } from './client.js';
export { EVENT_KINDS, type EventKind, type NodeEvent } from '../events/eventLog.js';
export { LARGEST_EXPLAIN_FRAMES } from './explainRequest.js';
export { PACKETS } from '@ringmaster/dispatch';
export { LARGEST_BODY_BYTES, LONGEST_DURATION_MS } from './requests.js';
export { DEFAULT_CONNECTION_LIMIT, LARGEST_CONNECTION_LIMIT, type ControlProviders } from './routes.js';
export type { ControlProblem, ControlProblemCode, ControlResult } from './problem.js';
