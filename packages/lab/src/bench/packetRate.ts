import { readFile } from 'node:fs/promises';
import { Cluster } from '../cluster/cluster.js';
import { LabError } from '../errors.js';
import type { Host } from '../world/host.js';
import { REFERENCE, RINGMASTER } from './contenders.js';
import { busiestThread, threadTimesUs } from './cpuTime.js';
import { compilePrograms, REFERENCE_ADDRESS, startReference, type Programs } from './reference.js';
import { figure, type Series } from './report.js';

const PORT = 9;
const FLOWS = 64;
const START_MS = 5000;
const WARM_UP_S = 2;

/** The name of this kind of work, and what is counted. */
export const PACKETS = '60-byte frames';
export const ARRIVED = 'frames/s';
export const FRAMES_PER_CPU_SECOND = 'frames per CPU second';

interface Dispatching {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
  /** The thread that handles packets. */
  readonly thread: string;
}

/**
 * A flood of the smallest frames from a host of the servers' LAN through one thread of Ringmaster and through the C
 * reference, in turn. Counted is what the servers' kernels got, and the CPU time of the thread for it: sender, dispatcher
 * and servers share the machine, so the thread need not have been at its limit.
 */
export async function measurePacketRate(rounds: number, seconds: number): Promise<Series[]> {
  const clusters = [{ address: '10.0.0.100', mode: 'l4/2', ports: [{ port: PORT, protocol: 'udp' }] }];
  const cluster = await Cluster.build({ nodes: 3, settings: { clusters } });
  const programs = await compilePrograms(cluster.client);
  if (programs === undefined) {
    console.log(`left out: ${PACKETS} (apt-get install gcc libc6-dev)`);
    await cluster.close();
    return [];
  }
  for (const { host } of cluster.hosts) await startSink(host, programs);
  await Promise.all(cluster.hosts.map((host) => host.startNode()));
  await cluster.whole();
  const attachment = { lan: cluster.lan, address: '10.0.0.60/24', gateway: '10.0.0.1' };
  const flooder = await cluster.lab.host('flooder', attachment);
  const contenders = await startContenders(cluster, flooder, programs);
  const series: (Series & { values: number[] })[] = [];
  for (const { name } of contenders) {
    for (const unit of [ARRIVED, FRAMES_PER_CPU_SECOND])
      series.push({ contender: name, work: PACKETS, unit, values: [], errors: 0 });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { name, address, pid, thread } of contenders) {
      const time = async () => (await threadTimesUs(pid)).get(thread) ?? NaN;
      const [beforeFrames, beforeUs] = [await received(cluster), await time()];
      await flood(flooder, programs, address, seconds);
      const [frames, usedUs] = [(await received(cluster)) - beforeFrames, (await time()) - beforeUs];
      const values: Readonly<Record<string, number>> = {
        [ARRIVED]: frames / seconds,
        [FRAMES_PER_CPU_SECOND]: (frames / usedUs) * 1e6,
      };
      for (const one of series.filter(({ contender }) => contender === name))
        one.values.push(values[one.unit]);
      const figures = Object.entries(values).map(([unit, value]) => `${figure(value)} ${unit}`);
      console.log(`  ${PACKETS}, round ${round + 1}, ${name}: ${figures.join(', ')}`);
    }
  }
  await cluster.close();
  return series;
}

async function startSink(host: Host, programs: Programs): Promise<void> {
  const sink = host.spawn(programs.udp, ['sink', String(PORT)]);
  await sink.waitForLine((line) => line === 'ready', START_MS);
}

async function startContenders(cluster: Cluster, flooder: Host, programs: Programs): Promise<Dispatching[]> {
  const [dispatcher] = cluster.hosts;
  const reference = await startReference(cluster, programs, PORT);
  const own = { name: RINGMASTER, address: '10.0.0.100', pid: dispatcher.node.process.pid };
  const other = { name: REFERENCE, address: REFERENCE_ADDRESS, pid: reference.pid };
  const found: Dispatching[] = [];
  for (const contender of [own, other]) {
    const warmUp = () => flood(flooder, programs, contender.address, WARM_UP_S);
    found.push({ ...contender, thread: await busiestThread(contender.pid, warmUp) });
  }
  return found;
}

async function flood(flooder: Host, programs: Programs, address: string, seconds: number): Promise<void> {
  const args = ['send', address, String(PORT), String(FLOWS), String(seconds)];
  const { code, stderr } = await flooder.exec(programs.udp, args);
  if (code !== 0) throw new LabError('commandFailed', `the packet flood failed: ${stderr}`);
}

/** Datagrams that the servers' kernels have got so far; the sinks refuse them, so that nobody spends time on them. */
async function received(cluster: Cluster): Promise<number> {
  const counts = cluster.hosts.map(async ({ host, node }) => {
    const file = `/proc/${node.process.pid}/net/snmp`;
    const [names, values] = (await readFile(file, 'latin1'))
      .split('\n')
      .filter((line) => line.startsWith('Udp:'))
      .map((line) => line.split(' '));
    const at = names.indexOf('InErrors');
    if (at < 0)
      throw new LabError('commandFailed', `${file} on ${host.name} does not count refused datagrams`);
    return Number(values[at]);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
