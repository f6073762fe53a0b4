/** An address and a port to call. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Reads `10.0.0.100:80`; the port is 80 when it is left out. */
export function parseTarget(text: string): Target {
  const [host, port = '80'] = text.split(':');
  return { host, port: Number(port) };
}
