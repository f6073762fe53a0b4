/**
 * The load program; it runs on the client's host and tells what it sees as JSON lines (`events.ts`).
 *
 *   node load/main.js hold   --target 10.0.0.100:80 --connections 200
 *   node load/main.js stream --target 10.0.0.100:80
 *   node load/main.js burst  --target 10.0.0.100:80 --count 1000
 *   node load/main.js transfer --target 10.0.0.100:9000 --protocol udp --bytes 10000000
 */
import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { nowMs } from '../clock.js';
import { tell } from './events.js';
import { Holder } from './hold.js';
import { burst, streamRequests } from './newRequests.js';
import { parseTarget, type Target } from './target.js';
import { transfer } from './transfer.js';

/** How often a transfer tells how far it is. */
const PROGRESS_STEPS = 20;

const program = new Command('load');

const command = (name: string, about: string) =>
  program
    .command(name)
    .description(about)
    .requiredOption('--target <address:port>', 'what to call', (text) => parseTarget(text));

command('hold', 'hold long-lived connections and ping over each of them')
  .option('--connections <n>', 'how many', Number, 200)
  .option('--interval <ms>', 'time between the pings of one connection', Number, 200)
  .option('--stalled <ms>', 'silence after which a connection counts as stalled', Number, 3000)
  .option('--state <ms>', 'time between state lines', Number, 500)
  .action(
    (options: Record<'connections' | 'interval' | 'stalled' | 'state', number> & { target: Target }) => {
      const { target, connections, interval, stalled, state } = options;
      const holder = new Holder({
        target,
        connections,
        intervalMs: interval,
        stalledMs: stalled,
        stateMs: state,
      });
      holder.start();
      process.on('SIGTERM', () => {
        holder.tellState();
        process.exit(0);
      });
    },
  );

command('stream', 'start a request on a new connection again and again')
  .option('--interval <ms>', 'time between two starts', Number, 10)
  .option('--timeout <ms>', 'when a try is given up', Number, 200)
  .action(({ target, interval, timeout }: { target: Target; interval: number; timeout: number }) =>
    streamRequests(target, interval, timeout),
  );

command('burst', 'make some requests, each on a new connection, and count who served them')
  .option('--count <n>', 'how many', Number, 1000)
  .option('--concurrency <n>', 'how many at a time', Number, 16)
  .option('--timeout <ms>', 'when a request is given up', Number, 3000)
  .action((options: Record<'count' | 'concurrency' | 'timeout', number> & { target: Target }) =>
    burst(options.target, options.count, options.concurrency, options.timeout),
  );

command('transfer', 'send bytes to the bulk service, take them back, and compare hashes')
  .addOption(
    new Option('--protocol <name>', 'what carries them').choices(['tcp', 'udp']).makeOptionMandatory(),
  )
  .option('--bytes <n>', 'how many', Number, 10_000_000)
  .option('--rate <n>', 'bytes a second, 0 for as many as go', Number, 0)
  .option('--datagram <n>', 'bytes of a datagram', Number, 1400)
  .option('--timeout <ms>', 'when it is given up', Number, 30_000)
  .action(
    async (
      options: Record<'bytes' | 'rate' | 'datagram' | 'timeout', number> & {
        target: Target;
        protocol: 'tcp' | 'udp';
      },
    ) => {
      const { target, protocol, bytes, rate, datagram, timeout } = options;
      let told = 0;
      const onProgress = (back: number, servers: readonly string[]) => {
        if (back - told < bytes / PROGRESS_STEPS) return;
        told = back;
        tell({ event: 'progress', at: nowMs(), bytes: back, servers });
      };
      const settings = { target, protocol, bytes, rate, datagramBytes: datagram, timeoutMs: timeout };
      tell(await transfer(randomBytes(bytes), { ...settings, onProgress }));
    },
  );

await program.parseAsync();
