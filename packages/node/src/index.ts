export * from './config/index.js';
export * from './control/index.js';
export { openApiText } from './control/openapi.js';
export * from './host/index.js';
export { ratesOf, type Rates } from './history/rates.js';
export * from './logging.js';
export { StartProblem, type StartProblemCode } from './daemon/problem.js';
export { systemdNotifier, type Notifier } from './service/notify.js';
export { runNode, type NodeDependencies, type RunningNode } from './daemon/runNode.js';
