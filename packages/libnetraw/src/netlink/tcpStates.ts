/** TCP states as the kernel numbers them (net/tcp_states.h). */
export const TcpState = {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
} as const;

export type TcpStateName = keyof typeof TcpState;

const NAMES = new Map<number, TcpStateName>(
  (Object.keys(TcpState) as TcpStateName[]).map((name) => [TcpState[name], name]),
);

/** `1` -> `'established'`; undefined for a number that is no state. */
export function tcpStateName(state: number): TcpStateName | undefined {
  return NAMES.get(state);
}

/** Every state in which a packet of the client must still reach this host. */
export const CONNECTION_STATES: readonly TcpStateName[] = [
  'established',
  'synReceived',
  'finWait1',
  'finWait2',
  'closeWait',
  'lastAck',
  'closing',
];

/** One bit per state, as inet_diag wants it. */
export function stateMask(states: readonly TcpStateName[]): number {
  return states.reduce((mask, name) => mask | (1 << TcpState[name]), 0);
}
