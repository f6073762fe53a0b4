import type { Environment } from './cluster.js';

/**
 * Members wait for longer before they give one up. Where no request at all may fail, it is not the finding of failures that is
 * tried: starting four nodes keeps a machine with two cores so busy that others stand still for longer than a quarter of a
 * second, which the ring rightly takes for a failure.
 */
export const PATIENT: Environment = { RINGMASTER_CONFIG_JSON: '{"ring":{"communicationTimeoutMs":1000}}' };
