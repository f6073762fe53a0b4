/** Conditions that scenarios end with. None of them is about speed: times are measured and shown. */
import { HELD, isServed } from './timeline.js';
import type { Condition, Outcome } from './scenario.js';

/** What counts as the end of a scenario: its last second, without what was still on its way. */
const LAST_MS = 1000;

/** Of every scenario: the connections whose fates it tells are as many as were opened, each on a known server. */
export const allAreHeld: Condition = {
  that: `${HELD} connections are open when it begins`,
  check: ({ fates }) => {
    const known = fates.filter(({ server }) => server !== 'unknown').reduce((sum, { held }) => sum + held, 0);
    return { ok: known === HELD, found: `${known} on ${fates.length} servers` };
  },
};

export const noneLostOnSurvivors: Condition = {
  that: 'no connection is lost on a server that was not harmed',
  check: ({ fates, stage }) => {
    const survivors = fates.filter(({ server }) => !stage.harmed.has(server));
    const held = survivors.reduce((sum, each) => sum + each.held, 0);
    const lost = survivors.reduce((sum, each) => sum + each.lost, 0);
    const unanswered = survivors.reduce((sum, each) => sum + each.unanswered, 0);
    const how = lost === 0 ? '' : `: ${lost - unanswered} reset or closed, ${unanswered} not answered`;
    return { ok: lost === 0 && held > 0, found: `${lost} of ${held} lost${how}` };
  },
};

const failed = ({ requests, firstFaultAt }: Outcome) =>
  requests.filter((request) => !isServed(request) && request.end >= firstFaultAt);

export const noFailedRequest: Condition = {
  that: 'no request fails',
  check: (outcome) => {
    const failures = failed(outcome);
    const why = [...new Set(failures.map(({ error }) => error))].join(', ');
    return {
      ok: failures.length === 0 && outcome.requests.length > 0,
      found: `${failures.length} of ${outcome.requests.length} failed${why === '' ? '' : `: ${why}`}`,
    };
  },
};

export const servedInTheEnd: Condition = {
  that: 'in the end every request is served',
  check: ({ requests, endAt }) => {
    const last = requests.filter(({ start }) => start >= endAt - LAST_MS);
    const served = last.filter(isServed);
    return {
      ok: last.length > 0 && served.length === last.length,
      found: `${served.length} of the last ${last.length}`,
    };
  },
};

/** Roles are told by nodes: `who`, a name that was given to a node, has not become dispatcher since the note `since`. */
export const noOtherDispatches = (since: string, who: string): Condition => ({
  that: `after it wakes up, ${who} does not dispatch`,
  check: ({ stage }) => {
    const at = stage.notes.get(since) as number;
    const address = stage.notes.get(`${who} address`) as string;
    const again = stage.record
      .roles(at)
      .filter((entry) => entry.node === address && entry.role === 'dispatcher');
    return {
      ok: again.length === 0,
      found: again.length === 0 ? `${address} stays a server` : again[0].text,
    };
  },
});

/** A figure that steps have noted must be 0. */
export const nothingOf = (note: string): Condition => ({
  that: note,
  check: ({ stage }) => {
    const value = stage.notes.get(note);
    return { ok: value === 0, found: String(value ?? 'not measured') };
  },
});

/** From the first fault on no node takes on another role. */
export const nobodyNotices: Condition = {
  that: 'no role changes',
  check: ({ stage, firstFaultAt }) => {
    const changes = stage.record.roles(firstFaultAt);
    return {
      ok: changes.length === 0,
      found: changes.map(({ node, role }) => `${node}: ${role}`).join(', ') || 'none',
    };
  },
};
