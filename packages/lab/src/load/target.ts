/** An address and a port to call. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Reads `10.0.0.100:80` or `[fd00:a::100]:80`; the port is 80 when it is left out. */
export function parseTarget(text: string): Target {
  const [, host6, host4, port = '80'] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: host6 ?? host4 ?? text, port: Number(port) };
}

/** Writes a target as `parseTarget` reads it. */
export function formatTarget(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
