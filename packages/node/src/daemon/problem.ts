/** Why a node does not start: a stable code, and a sentence that says what to do. */
export type StartProblemCode =
  | 'keys'
  | 'host'
  | 'port-in-use'
  | 'not-permitted'
  | 'ring-socket'
  | 'data-plane'
  | 'control'
  | 'metrics'
  | 'dashboard'
  | 'dns';

export class StartProblem extends Error {
  readonly code: StartProblemCode;

  constructor(code: StartProblemCode, message: string) {
    super(message);
    this.name = 'StartProblem';
    this.code = code;
  }
}

/** Makes a problem of what binding the ring port (`udp` or `tcp`) answered. */
export function portProblem(error: unknown, protocol: 'UDP' | 'TCP', port: number): StartProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    const cure = 'stop that program (another node?), or set ring.port to a free one on every node';
    return new StartProblem('port-in-use', `${protocol} port ${port} is in use on this host; ${cure}`);
  }
  if (code === 'EACCES') {
    return new StartProblem(
      'not-permitted',
      `${protocol} port ${port} may not be opened; run as root or use a port above 1023`,
    );
  }
  return new StartProblem('ring-socket', `${protocol} port ${port} cannot be opened: ${message}`);
}

/** Makes a problem of what opening a socket for ring frames answered. */
export function frameProblem(error: unknown, interfaceName: string): StartProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EPERM') {
    const cure = 'run as root, or with CAP_NET_RAW';
    return new StartProblem(
      'not-permitted',
      `the ring may not use Ethernet frames on ${interfaceName}; ${cure}`,
    );
  }
  return new StartProblem(
    'ring-socket',
    `the ring cannot use Ethernet frames on ${interfaceName}: ${message}`,
  );
}
