/** Reading a parsed file of any shape whatever, for rules that span several keys. */
import type { ConfigPath, ConfigProblemCode } from './problem.js';

export type Mapping = Readonly<Record<string, unknown>>;
export type Report = (code: ConfigProblemCode, path: ConfigPath, message: string) => void;

export const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `all` is tcp and udp. */
export function protocolsOf(port: Mapping): readonly string[] {
  const protocol = port.protocol ?? 'tcp';
  return protocol === 'all' ? ['tcp', 'udp'] : [String(protocol)];
}
