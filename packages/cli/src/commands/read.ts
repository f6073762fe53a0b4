/** The commands that read a document from the running node: `status`, `members`, `connections`. */
import {
  controlRequest,
  type ConnectionsDocument,
  type MemberStatus,
  type StatusDocument,
} from '@ringmaster/node';
import { Failure } from '../failure.js';
import { connectionsText } from '../output/connectionsText.js';
import { membersText, statusText } from '../output/statusText.js';
import { placeOf, type PlaceOptions } from '../place.js';

export interface ReadOptions extends PlaceOptions {
  readonly json?: boolean;
}

async function read<T>(path: string, options: ReadOptions, asText: (document: T) => string): Promise<void> {
  const answer = await controlRequest<T>(placeOf(options), path);
  if (!answer.ok) throw new Failure(answer.problem.message);
  const text = options.json === true ? JSON.stringify(answer.value) : asText(answer.value);
  process.stdout.write(`${text}\n`);
}

export function status(options: ReadOptions): Promise<void> {
  return read<StatusDocument>('/status', options, statusText);
}

export function members(options: ReadOptions): Promise<void> {
  return read<{ members: MemberStatus[] }>('/members', options, (document) => membersText(document.members));
}

export function connections(options: ReadOptions & { readonly limit: number }): Promise<void> {
  return read<ConnectionsDocument>(`/connections?limit=${options.limit}`, options, connectionsText);
}
