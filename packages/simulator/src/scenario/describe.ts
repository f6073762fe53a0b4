import type { Fault } from './scenario.js';

/** One line for the trace and for the report of a failure. */
export function describeFault(fault: Fault): string {
  const { forMs, kind } = fault;
  const told = Object.entries(fault).filter(([name]) => !['atMs', 'forMs', 'kind'].includes(name));
  const facts = told.map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${[kind, ...facts].join(' ')} for ${forMs.toFixed(0)} ms`;
}
