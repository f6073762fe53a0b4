/** Ends of a command other than success. */

/** What scripts may tell apart. */
export const ExitCode = {
  ok: 0,
  /** Something in the way of the command: the message says what to do. */
  failed: 1,
  /** The configuration (or a key file) is not right. */
  configuration: 2,
} as const;

/** Thrown to end the command with a message for the user instead of a stack. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = ExitCode.failed) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}
