import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { HealthConfig } from '../../src/config/index.js';
import { nameOfCheck, runCheck } from '../../src/health/checks.js';
import { describeStatuses } from '../../src/health/httpCheck.js';
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

/** `good`, or why not. */
async function said(config: Partial<HealthConfig>): Promise<string> {
  const result = await runCheck({ intervalMs: 1000, timeoutMs: 1000, rise: 1, fall: 1, ...config });
  expect(result.ms).toBeGreaterThanOrEqual(0);
  return result.ok ? 'good' : result.why;
}

describe('a check over http', () => {
  it('takes a status of 2xx for good and every other for bad (S11)', async () => {
    let status = 200;
    const port = await listen(createHttp((_, response) => response.writeHead(status).end('x')));
    const http = `http://127.0.0.1:${port}/`;
    for (status of [200, 204, 299]) expect(await said({ http })).toBe('good');
    for (status of [301, 404, 500, 503])
      expect(await said({ http })).toBe(`${http} answered ${status}, expected 2xx`);
  });

  it('takes the statuses that are configured, and no other', async () => {
    let status = 200;
    const port = await listen(createHttp((_, response) => response.writeHead(status).end()));
    const http = `http://127.0.0.1:${port}/`;
    const good = [
      { from: 204, to: 204 },
      { from: 300, to: 399 },
    ];
    for (status of [204, 300, 399]) expect(await said({ http, status: good })).toBe('good');
    for (status of [200, 400]) {
      expect(await said({ http, status: good })).toBe(`${http} answered ${status}, expected 204 or 3xx`);
    }
    expect(describeStatuses([{ from: 200, to: 404 }])).toBe('200-404');
  });

  it('asks by the name of the service, where there is one', async () => {
    const asked: (string | undefined)[] = [];
    const port = await listen(
      createHttp(({ headers, url }, response) => {
        asked.push(`${headers.host} ${url}`);
        response.end();
      }),
    );
    const http = `http://127.0.0.1:${port}/check?x=1`;
    expect(await said({ http })).toBe('good');
    expect(await said({ http, serverName: 'www.example.org' })).toBe('good');
    expect(asked).toEqual([`127.0.0.1:${port} /check?x=1`, 'www.example.org /check?x=1']);
  });

  it('takes silence and a closed port for bad', async () => {
    const mute = await listen(createServer((socket) => socket.on('error', () => undefined)));
    const http = `http://127.0.0.1:${mute}/`;
    expect(await said({ http, timeoutMs: 50 })).toBe(`${http}: no answer within 50 ms`);
    const closed = await listen(createServer());
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect(await said({ http: `http://127.0.0.1:${closed}/` })).toContain('ECONNREFUSED');
  });
});

describe('a check over https', () => {
  const file = (name: string): string => fileURLToPath(new URL(`tls/${name}`, import.meta.url));
  const tls = { key: readFileSync(file('key.pem')), cert: readFileSync(file('certificate.pem')) };
  const names: (string | false | null | undefined)[] = [];

  async function start(): Promise<string> {
    names.length = 0;
    const server = createHttps(tls, (_, response) => response.end());
    server.on('secureConnection', (socket) =>
      names.push((socket as { servername?: string | false }).servername),
    );
    return `https://127.0.0.1:${await listen(server)}/`;
  }

  it('refuses a certificate that nobody vouches for, unless it is told to', async () => {
    const http = await start();
    expect(await said({ http })).toContain('self-signed certificate');
    expect(await said({ http, insecure: true })).toBe('good');
  });

  it('asks for the name of the service, and wants its certificate', async () => {
    const http = await start();
    const module = new URL('../../dist/health/checks.js', import.meta.url).href;
    // Who vouches for certificates is said when a process starts.
    const trusting = (change: object): Promise<string> =>
      new Promise((resolve) => {
        const config = { http, timeoutMs: 5000, ...change };
        const program = `const { runCheck } = await import(${JSON.stringify(module)});
          console.log(JSON.stringify(await runCheck(${JSON.stringify(config)})))`;
        const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: file('certificate.pem') },
        });
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
        child.on('close', () => resolve(text));
      });
    expect(JSON.parse(await trusting({ serverName: 'www.example.org' }))).toMatchObject({ ok: true });
    expect(names).toEqual(['www.example.org']);
    expect(await trusting({ serverName: 'www.example.com' })).toContain('does not match');
    expect(await trusting({})).toContain('does not match');
  });
});

it('a check over tcp is content with a connection', async () => {
  const port = await listen(createServer((socket) => socket.on('error', () => undefined)));
  expect(await said({ tcp: `127.0.0.1:${port}` })).toBe('good');
  await new Promise((resolve) => servers.pop()!.close(resolve));
  expect(await said({ tcp: `127.0.0.1:${port}` })).toContain('ECONNREFUSED');
});

describe('a check by command', () => {
  const shell = (script: string, ...args: string[]) => ['/bin/sh', '-c', script, 'check', ...args];

  it('goes by the exit code, and tells what was said first', async () => {
    expect(await said({ command: shell('exit 0') })).toBe('good');
    expect(await said({ command: shell('echo; echo "disk full"; echo more; exit 3') })).toBe(
      '/bin/sh ended with 3: disk full',
    );
    expect(await said({ command: shell('echo oh >&2; exit 1') })).toBe('/bin/sh ended with 1: oh');
    expect(await said({ command: shell('kill -TERM $$') })).toBe('/bin/sh was ended by SIGTERM');
    expect(await said({ command: ['/nowhere/check'] })).toContain('could not be run');
  });

  it('has arguments as they are written, and no shell', async () => {
    expect(
      await said({ command: shell('test "$1" = "$2" || exit 1', '$HOME; `ls` *', '$HOME; `ls` *') }),
    ).toBe('good');
    expect(await said({ command: ['true; false'] })).toContain('could not be run');
  });

  it('is killed when its time is over, with what it has started', async () => {
    const script = 'sleep 77.123 & sleep 77.123';
    expect(await said({ command: shell(script), timeoutMs: 100 })).toBe('/bin/sh did not end within 100 ms');
    expect(await sleepers()).toBe('');
  });

  it('leaves nothing behind, and is not held up by what it would have left', async () => {
    expect(await said({ command: shell('sleep 77.123 & exit 0'), timeoutMs: 10_000 })).toBe('good');
    expect(await sleepers()).toBe('');
  });

  it('may say as much as it likes', async () => {
    const script =
      'i=0; while [ $i -lt 3000 ]; do echo "line $i of very many lines"; i=$((i+1)); done; exit 1';
    expect(await said({ command: shell(script), timeoutMs: 10_000 })).toBe(
      '/bin/sh ended with 1: line 0 of very many lines',
    );
  });

  /** The processes that sleep for that particular time: those that are being ended are given a moment. */
  async function sleepers(): Promise<string> {
    let found = '';
    for (let i = 0; i < 100; i++) {
      found = await new Promise<string>((resolve) => {
        const child = spawn('/bin/sh', [
          '-c',
          'grep -l "^sleep.77[.]123" /proc/[0-9]*/cmdline 2>/dev/null || true',
        ]);
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
        child.on('close', () => resolve(text));
      });
      if (found === '') return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return found;
  }
});

it('checks have names', () => {
  const rest = { intervalMs: 1, timeoutMs: 1, rise: 1, fall: 1 };
  expect(nameOfCheck({ http: 'http://a/', ...rest })).toBe('http://a/');
  expect(nameOfCheck({ tcp: 'a:1', ...rest })).toBe('tcp a:1');
  expect(nameOfCheck({ command: ['a', 'b'], ...rest })).toBe('command a b');
});

describe('rise and fall', () => {
  it('believes the first result, and after that only so many in a row', () => {
    const state = new RiseAndFall(2, 3);
    expect([state.state, state.note(true), state.state]).toEqual(['unknown', true, 'good']);
    const results = [false, false, true, false, false, false, true, false, true, true];
    expect(results.map((ok) => state.note(ok))).toEqual([
      ...[false, false, false, false, false, true],
      ...[false, false, false, true],
    ]);
    expect(state.state).toBe('good');
    const ill = new RiseAndFall(2, 3);
    expect([ill.note(false), ill.state, ill.note(true), ill.state]).toEqual([true, 'ill', false, 'ill']);
  });

  it('does not flap: between two changes there are as many results in a row as are asked for', () => {
    const count = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(count, count, fc.array(fc.boolean(), { maxLength: 60 }), (rise, fall, results) => {
        const state = new RiseAndFall(rise, fall);
        let inARow = 0;
        results.forEach((ok, i) => {
          inARow = i > 0 && results[i - 1] === ok ? inARow + 1 : 1;
          const changed = state.note(ok);
          if (changed && i > 0) expect(inARow).toBeGreaterThanOrEqual(ok ? rise : fall);
          if (inARow >= (ok ? rise : fall)) expect(state.state).toBe(ok ? 'good' : 'ill');
        });
      }),
    );
  });
});

describe('HealthMonitor (R16)', () => {
  it('reports the first word, the fall and the recovery of a service, once each, and keeps the last reason', async () => {
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
    const monitor = new HealthMonitor([config], (state, why) => changes.push(`${state}: ${why}`));
    const enough = async (more: number): Promise<void> => {
      const wanted = checks + more;
      while (checks < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const unknown = {
      check: http,
      state: 'unknown',
      ok: null,
      responseMs: null,
      ageMs: null,
      lastFailure: null,
    };
    expect([monitor.status(), monitor.responseMs()]).toEqual([[unknown], undefined]);
    monitor.start();
    await enough(3);
    expect(changes).toEqual(['good: all checks pass']);
    expect(monitor.status()[0]).toMatchObject({ state: 'good', ok: true, lastFailure: null });
    expect(monitor.responseMs()).toBeGreaterThan(0);
    status = 500;
    await enough(5);
    expect(changes.slice(1)).toEqual([`ill: ${http} answered 500, expected 2xx`]);
    expect(monitor.responseMs()).toBe(1000);
    status = 200;
    await enough(5);
    expect(changes.slice(2)).toEqual(['good: all checks pass']);
    expect(monitor.status()[0]).toMatchObject({
      state: 'good',
      lastFailure: `${http} answered 500, expected 2xx`,
    });
    monitor.close();
  });

  it('says nothing good before every service has answered, and something bad at once', async () => {
    const check = (script: string) => ({
      command: ['/bin/sh', '-c', script],
      ...{ intervalMs: 3_600_000, timeoutMs: 10_000, rise: 2, fall: 3 },
    });
    const first = (...scripts: string[]): Promise<string> =>
      new Promise((resolve) => {
        const monitor = new HealthMonitor(scripts.map(check), (state, why) => {
          monitor.close();
          resolve(`${state}: ${why}`);
        });
        monitor.start();
      });
    expect(await first('exit 0', 'sleep 0.1; exit 0')).toBe('good: all checks pass');
    expect(await first('exit 0', 'sleep 0.1; exit 7')).toBe('ill: /bin/sh ended with 7');
    expect(await first('sleep 5', 'exit 7')).toBe('ill: /bin/sh ended with 7');
  });

  describe('with other checks from now on', () => {
    /** A service whose status can be set; `asked` counts. */
    async function service(status = 200) {
      const state = { status, asked: 0 };
      const port = await listen(
        createHttp((_, response) => {
          state.asked++;
          response.writeHead(state.status).end();
        }),
      );
      const config = {
        http: `http://127.0.0.1:${port}/`,
        ...{ intervalMs: 10, timeoutMs: 1000, rise: 1, fall: 3 },
      };
      return { state, config };
    }

    const monitors: HealthMonitor[] = [];
    afterEach(() => {
      for (const monitor of monitors.splice(0)) monitor.close();
    });

    function watched(...configs: HealthConfig[]) {
      const changes: string[] = [];
      const monitor = new HealthMonitor(configs, (state) => changes.push(state));
      monitors.push(monitor);
      monitor.start();
      return { monitor, changes };
    }

    it('keeps what is known of a check that stays, and asks for one that is gone no more', async () => {
      const [stays, goes] = [await service(), await service()];
      const { monitor, changes } = watched(stays.config, goes.config);
      await expect.poll(() => changes).toEqual(['good']);
      const [before] = monitor.status();
      monitor.reconfigure([{ ...stays.config }]);
      expect(monitor.status()).toEqual([{ ...before, ageMs: expect.any(Number) as number }]);
      const { asked } = goes.state;
      const seen = stays.state.asked;
      await expect.poll(() => stays.state.asked).toBeGreaterThan(seen + 5);
      // One may have been under way.
      expect(goes.state.asked).toBeLessThanOrEqual(asked + 1);
      expect(changes).toEqual(['good']);
    });

    it('gives a new check of a node that is good its time to fail', async () => {
      const bad = await service(500);
      const { monitor, changes } = watched();
      monitor.reconfigure([bad.config]);
      await expect.poll(() => changes).toEqual(['ill']);
      expect(bad.state.asked).toBeGreaterThanOrEqual(3);
    });

    it('is good at once when the check is gone that failed', async () => {
      const [good, bad] = [await service(), await service(500)];
      const { monitor, changes } = watched(good.config, bad.config);
      await expect.poll(() => changes).toEqual(['ill']);
      await expect.poll(() => good.state.asked).toBeGreaterThan(0);
      await expect.poll(() => monitor.status()[0].state).toBe('good');
      monitor.reconfigure([good.config]);
      expect(changes).toEqual(['ill', 'good']);
      monitor.reconfigure([]);
      expect(changes).toEqual(['ill', 'good']);
    });
  });
});
