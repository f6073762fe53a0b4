/** Checks of what the node itself needs: its control socket, its ring port, and what a dead one left behind. */
import {
  controlRequest,
  inspectLeftover,
  journalPath,
  type NodeConfig,
  type StatusDocument,
} from '@ringmaster/node';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { error, fine, warning, type Finding } from './finding.js';

/** What the node at the socket says of itself, whether one runs at all; undefined when that cannot be told. */
export async function askNode(
  socket: string,
): Promise<{ readonly running: boolean | undefined; readonly status?: StatusDocument }> {
  const answer = await controlRequest<StatusDocument>(socket, '/status');
  if (answer.ok) return { running: true, status: answer.value };
  return { running: answer.problem.code === 'not-permitted' ? undefined : false };
}

export function controlFinding({ control: { socket } }: NodeConfig, running: boolean | undefined): Finding {
  const check = 'control-socket';
  if (running === true) return fine(check, `a node runs and answers at ${socket}`);
  if (running === undefined) {
    return warning(
      check,
      `${socket} may not be used by this user`,
      'the node cannot be asked',
      'run doctor as root',
    );
  }
  if (existsSync(dirname(socket))) return fine(check, `no node runs; ${socket} is free`);
  const why = 'the node makes its socket and its undo journal there';
  const what = `the directory of ${socket} does not exist`;
  const remedy = { kind: 'directory', path: dirname(socket) } as const;
  return error(check, what, why, `run: mkdir -p ${dirname(socket)}`, remedy);
}

type PortUse = 'free' | 'in-use' | 'denied' | 'unknown';

function portUse(code: string | undefined): PortUse {
  if (code === 'EADDRINUSE') return 'in-use';
  return code === 'EACCES' ? 'denied' : 'unknown';
}

function udpPort(port: number): Promise<PortUse> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', (refusal: NodeJS.ErrnoException) => {
      socket.close();
      resolve(portUse(refusal.code));
    });
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve('free')));
  });
}

function tcpPort(port: number): Promise<PortUse> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (refusal: NodeJS.ErrnoException) => resolve(portUse(refusal.code)));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve('free')));
  });
}

/** The ring talks over UDP (or straight over Ethernet), and hands lists of connections over by TCP, on the same port. */
export async function portFindings(config: NodeConfig, running: boolean): Promise<Finding[]> {
  const { port, transport } = config.ring;
  const check = 'ring-port';
  if (running) return [fine(check, `port ${port} is the running node's`)];
  const uses = {
    ...(transport === 'udp' && { UDP: await udpPort(port) }),
    TCP: await tcpPort(port),
  };
  return Object.entries(uses).map(([protocol, use]) => {
    const name = `${protocol} port ${port}`;
    if (use === 'free') return fine(check, `${name} is free`);
    const why = 'the nodes of the ring talk through it';
    const cure = `find its owner with: ss -lnp 'sport = :${port}', or set ring.port on every node`;
    if (use === 'in-use') return error(check, `${name} is in use`, why, cure);
    return warning(
      check,
      `${name} cannot be tried`,
      why,
      'run doctor as root, or set a ring.port above 1023',
    );
  });
}

export function leftoverFinding(config: NodeConfig): Finding {
  const file = journalPath(config.control.socket);
  const check = 'leftover';
  const left = inspectLeftover(file);
  switch (left.kind) {
    case 'none':
      return fine(check, 'no dead node has left anything on this host');
    case 'live':
      return fine(check, `the running node (process ${left.pid}) has its undo journal`);
    case 'obsolete':
      return fine(check, 'a node died here before the last restart; nothing of it is left');
    case 'damaged': {
      const why = 'the node does not start while it cannot tell what the last one changed';
      return error(
        check,
        `${file} is no undo journal`,
        why,
        `look at \`ip address show lo\`, then remove ${file}`,
      );
    }
    case 'dead': {
      const why = 'a node died without cleaning up: its addresses and settings are still there';
      const cure = '`ringmaster up` undoes them at its next start';
      const what = `${left.content.changes.length} changes of a dead node are left`;
      return warning(check, what, why, cure, { kind: 'leftover', journal: file });
    }
  }
}
