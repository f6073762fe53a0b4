import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkHttp, checkTcp } from '../../src/health/checks.js';
import { HealthMonitor } from '../../src/health/healthMonitor.js';
import { RiseAndFall } from '../../src/health/riseAndFall.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function listen(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

describe('checks', () => {
  it('take a status of 2xx for good and every other for bad (S11)', async () => {
    let status = 200;
    const port = await listen(createHttp((_, response) => response.writeHead(status).end('x')));
    const url = `http://127.0.0.1:${port}/`;
    expect(await checkHttp(url, 1000)).toEqual({ ok: true });
    status = 204;
    expect(await checkHttp(url, 1000)).toEqual({ ok: true });
    for (status of [301, 404, 500, 503]) {
      expect(await checkHttp(url, 1000)).toEqual({
        ok: false,
        why: `${url} answered ${status}, expected 2xx`,
      });
    }
  });

  it('take silence and a closed port for bad', async () => {
    const mute = await listen(createServer((socket) => socket.on('error', () => undefined)));
    expect(await checkHttp(`http://127.0.0.1:${mute}/`, 50)).toMatchObject({ ok: false });
    expect((await checkTcp(`127.0.0.1:${mute}`, 1000)).ok).toBe(true);
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await checkTcp(`127.0.0.1:${port}`, 1000)).toMatchObject({ ok: false });
    expect(await checkHttp(`http://127.0.0.1:${port}/`, 1000)).toMatchObject({ ok: false });
  });
});

describe('rise and fall', () => {
  it('changes only after so many results in a row', () => {
    const state = new RiseAndFall(2, 3);
    const results = [false, false, true, false, false, false, true, false, true, true];
    expect(results.map((ok) => state.note(ok))).toEqual([
      ...[false, false, false, false, false, true],
      ...[false, false, false, true],
    ]);
    expect(state.healthy).toBe(true);
  });
});

describe('HealthMonitor (R16)', () => {
  it('reports the fall and the recovery of a service, once each', async () => {
    let status = 200;
    let checks = 0;
    const port = await listen(
      createHttp((_, response) => {
        checks++;
        response.writeHead(status).end();
      }),
    );
    const changes: string[] = [];
    const http = `http://127.0.0.1:${port}/`;
    const config = { http, intervalMs: 10, timeoutMs: 1000, rise: 2, fall: 2 };
    const monitor = new HealthMonitor([config], (healthy, why) => changes.push(`${healthy}: ${why}`));
    const enough = async (more: number): Promise<void> => {
      const wanted = checks + more;
      while (checks < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    monitor.start();
    await enough(3);
    expect(changes).toEqual([]);
    status = 500;
    await enough(5);
    expect(changes).toEqual([`false: ${http} answered 500, expected 2xx`]);
    status = 200;
    await enough(5);
    expect(changes.slice(1)).toEqual(['true: all checks pass']);
    monitor.close();
  });
});
