import { describe, expect, it } from 'vitest';
import { formatPath, parseConfig } from '../../src/config/index.js';

/** The file with a port that has these further keys; what it says of them, or what is wrong. */
function port(text: string): unknown {
  const file = `interface: eth0
ring: { insecure: true }
clusters: [{ address: 10.0.0.100, ports: [{ port: 80, ${text} }] }]
`;
  const result = parseConfig(file, '/etc/ringmaster.yaml');
  if (result.ok) return result.value.clusters[0].ports[0];
  return result.problems.map(({ path, message }) => `${formatPath(path.slice(4))}: ${message}`);
}

const health = (text: string): unknown => port(`health: { ${text} }`);

describe('a health check', () => {
  it('over http expects statuses: one, a range, or several', () => {
    const http = 'http: "http://127.0.0.1/"';
    const status = (text: string) => expect(health(`${http}, status: ${text}`));
    status('204').toMatchObject({ health: { status: [{ from: 204, to: 204 }] } });
    status('"200-399"').toMatchObject({ health: { status: [{ from: 200, to: 399 }] } });
    const both = [
      { from: 200, to: 200 },
      { from: 300, to: 399 },
    ];
    status('[200, 300-399]').toMatchObject({ health: { status: both } });
    for (const wrong of ['99', '600', '20', '"300-200"', '[]', 'fine', '[200, x]', '200.5']) {
      status(wrong).toEqual([
        expect.stringMatching(
          /^health\.status(\[1\])?: expected a status \(100 to 599\), a range like 200-399, or a list of these, found /,
        ),
      ]);
    }
  });

  it('over https may name the service, and be content with any certificate', () => {
    const https = 'http: "https://127.0.0.1/", serverName: www.example.org, insecure: true';
    expect(health(https)).toMatchObject({ health: { serverName: 'www.example.org', insecure: true } });
    expect(health('http: "http://127.0.0.1/", insecure: true')).toEqual([
      'health.insecure: only an https URL has certificates; remove it',
    ]);
    expect(health('http: "http://127.0.0.1/", serverName: "a b"')).toEqual([
      'health.serverName: expected a host name, like www.example.org, found "a b"',
    ]);
  });

  it('may be a command with its arguments', () => {
    expect(health('command: [/usr/bin/check, "-f", "a b"]')).toMatchObject({
      health: {
        command: ['/usr/bin/check', '-f', 'a b'],
        intervalMs: 1000,
        timeoutMs: 1000,
        rise: 2,
        fall: 3,
      },
    });
    for (const wrong of ['[]', '/usr/bin/check', '[1]', '[""]']) {
      expect(health(`command: ${wrong}`)).toEqual([
        expect.stringContaining('expected a program and its arguments, 1 to 64 texts'),
      ]);
    }
  });

  it('is of one kind, with the keys of its kind', () => {
    const one = 'health: expected one of the keys http, tcp and command, found';
    expect(health('rise: 1')).toEqual([`${one} none`]);
    expect(health('tcp: "127.0.0.1:80", command: [a]')).toEqual([`${one} tcp and command`]);
    expect(health('tcp: "127.0.0.1:80", status: 200, serverName: a')).toEqual([
      'health.status: only a check with http has it; remove it',
      'health.serverName: only a check with http has it; remove it',
    ]);
  });
});

describe('affinity', () => {
  it('is for whole addresses and ten minutes, unless it says otherwise', () => {
    expect(port('affinity: {}')).toMatchObject({
      affinity: { prefix4: 32, prefix6: 128, timeoutMs: 600_000 },
    });
    expect(port('affinity: { prefix4: 24, prefix6: 64, timeoutMs: 1000 }')).toMatchObject({
      affinity: { prefix4: 24, prefix6: 64, timeoutMs: 1000 },
    });
  });

  it.each([
    [
      'affinity: { prefix4: 0 }',
      'prefix4: expected the leading bits of an IPv4 address that clients have in common (a whole number from 1 to 32), found 0',
    ],
    [
      'affinity: { prefix6: 129 }',
      'prefix6: expected the leading bits of an IPv6 address that clients have in common (a whole number from 1 to 128), found 129',
    ],
    [
      'affinity: { timeoutMs: 10 }',
      'timeoutMs: expected milliseconds (a whole number from 1000 to 86400000), found 10',
    ],
  ])('%s is refused', (text, message) => {
    expect(port(text)).toEqual([`affinity.${message}`]);
  });

  it('is not for a stateless service', () => {
    expect(port('scheduler: maglev, stateless: true, affinity: {}')).toEqual([
      'affinity: a stateless service remembers nobody; remove affinity or stateless',
    ]);
  });
});
