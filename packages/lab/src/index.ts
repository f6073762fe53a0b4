export { LabError, type LabErrorCode } from './errors.js';
export { enterLab, insideLab, runInLab } from './world/enter.js';
export { Lab, type HostOptions } from './world/lab.js';
export type { Lan } from './world/lan.js';
export type { Host, Attachment } from './world/host.js';
export type { LabProcess, ExitStatus, SpawnOptions } from './world/process.js';
export type { CommandResult } from './world/command.js';
