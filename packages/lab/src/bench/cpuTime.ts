import { readdir, readFile } from 'node:fs/promises';

/**
 * CPU time of each thread of a process so far, in microseconds, by thread id. What the kernel does for packets in a
 * thread's name, deliveries on the same machine included, is in it.
 */
export async function threadTimesUs(pid: number): Promise<ReadonlyMap<string, number>> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = threads.map(async (thread): Promise<[string, number]> => {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').catch(() => '0');
    return [thread, Number(text.split(' ')[0]) / 1e3];
  });
  return new Map(await Promise.all(times));
}

/** CPU time of all threads of a process that still live, in microseconds. */
export async function cpuTimeUs(pid: number): Promise<number> {
  return [...(await threadTimesUs(pid)).values()].reduce((sum, time) => sum + time, 0);
}

/** The thread that used most CPU time while `work` ran. */
export async function busiestThread(pid: number, work: () => Promise<unknown>): Promise<string> {
  const before = await threadTimesUs(pid);
  await work();
  const used = [...(await threadTimesUs(pid))].map(([thread, time]) => ({
    thread,
    used: time - (before.get(thread) ?? 0),
  }));
  return used.reduce((one, other) => (other.used > one.used ? other : one)).thread;
}
