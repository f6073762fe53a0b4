/**
 * Takes this node's service out before the container is stopped: no new connections, and those that it has may end by
 * themselves for so long. `node leave.mjs SOCKET DEADLINE_MS`; the node itself leaves the ring after that.
 */
import { controlRequest } from '/opt/ringmaster/packages/node/dist/index.js';

const [socket, deadlineText] = process.argv.slice(2);
const deadlineMs = Number(deadlineText);
const POLL_MS = 100;
/** Loads are reported every second: what this node is known to have may be that old. */
const REPORTED_MS = 1000;

const status = await controlRequest(socket, '/status');
if (status.ok) {
  const own = status.value.address;
  const end = Date.now() + deadlineMs;
  const asked = Date.now();
  const drained = await controlRequest(socket, '/drain', { addresses: [own], deadlineMs });
  if (!drained.ok) process.stderr.write(`ringmaster-leave: ${drained.problem.message}\n`);
  while (drained.ok && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const { value } = await controlRequest(socket, '/members');
    const left = value?.members.find((member) => member.address === own)?.drain?.connections;
    if (left === 0 && Date.now() - asked > REPORTED_MS) break;
  }
}
