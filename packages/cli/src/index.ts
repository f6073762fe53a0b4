/** What other packages may use of the command line: its parts, without running it. */
export { buildProgram } from './program.js';
export { ExitCode } from './failure.js';
