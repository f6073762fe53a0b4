export * from './config/index.js';
export * from './control/index.js';
export * from './host/index.js';
export * from './logging.js';
