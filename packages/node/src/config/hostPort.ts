/** A place as the configuration has it: `10.0.0.11:7480`, `[::1]:7480`, `localhost:80`. */
export interface HostPort {
  /** IPv4 or IPv6, without brackets; or a name. */
  readonly host: string;
  readonly port: number;
}

/** Takes apart what the schema has accepted as a host and a port. */
export function splitHostPort(text: string): HostPort {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
