/** What can go wrong in the lab for reasons outside the program; `message` says what to do about it. */
export type LabErrorCode =
  | 'namespacesForbidden'
  | 'notInLab'
  | 'commandMissing'
  | 'commandFailed'
  | 'toolMissing'
  | 'processExited'
  | 'timeout'
  | 'noStatus';

/** An operating error of the lab with a stable `code`. */
export class LabError extends Error {
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string) {
    super(message);
    this.name = 'LabError';
    this.code = code;
  }
}
