export { loadConfig } from './load.js';
export { parseConfig } from './parse.js';
export { unsupportedProblems } from './unsupported.js';
export { formatPath, formatProblem } from './problem.js';
export type { ConfigPath, ConfigProblem, ConfigProblemCode, ConfigResult } from './problem.js';
export type * from './types.js';
export { formatKeyFile, generateKey, KEY_BYTES, loadKeys, parseKey, type LoadedKeys } from './key.js';
export { configTemplate, type TemplateOptions } from './template.js';
export { suggest } from './suggest.js';
