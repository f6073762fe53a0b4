/** `explain`: why a packet goes where it goes. */
import { readFileSync } from 'node:fs';
import {
  type ControlPlace,
  controlRequest,
  type ExplainDocument,
  type ExplainedFrame,
  LARGEST_BODY_BYTES,
  LARGEST_EXPLAIN_FRAMES,
} from '@ringmaster/node';
import { type CapturedFrame, decodePcap } from 'libnetraw/wire';
import { Failure } from '../failure.js';
import { capturedText, explainedText } from '../output/explainText.js';
import { placeOf } from '../place.js';
import type { ReadOptions } from './read.js';

interface Connection {
  readonly protocol: string | undefined;
  readonly client: string | undefined;
  readonly cluster: string | undefined;
}

interface ExplainOptions extends ReadOptions {
  readonly packet?: string;
  readonly pcap?: string;
  readonly limit: number;
}

/** The list around the frames, and their quotation marks, have room in this. */
const FRAMES_BODY_BYTES = LARGEST_BODY_BYTES - 4096;

export async function explain(connection: Connection, options: ExplainOptions): Promise<void> {
  const { protocol, client, cluster } = connection;
  if (options.pcap !== undefined) {
    if (protocol !== undefined) throw new Failure('name a connection or give a capture (--pcap), not both');
    return explainCapture(options.pcap, options);
  }
  if (protocol === undefined || client === undefined || cluster === undefined) {
    throw new Failure(
      'expected a connection, like `ringmaster explain tcp 10.9.0.2:40000 10.0.0.100:80`, or a capture (--pcap FILE)',
    );
  }
  const { packet } = options;
  const document = await ask(
    { protocol, client, cluster, ...(packet !== undefined && { packet }) },
    placeOf(options),
  );
  print(options, document, () => explainedText(document));
}

async function explainCapture(file: string, options: ExplainOptions): Promise<void> {
  const { frames, leftBytes } = readCapture(file, options.limit);
  if (frames.length === 0) throw new Failure(`${file} has no whole frame in it`);
  const place = placeOf(options);
  const explained: ExplainedFrame[] = [];
  let last: ExplainDocument | undefined;
  for (const piece of pieces(frames)) {
    last = await ask({ frames: piece.map(({ bytes }) => Buffer.from(bytes).toString('hex')) }, place);
    explained.push(...last.frames);
  }
  const document = { ...(last as ExplainDocument), frames: explained };
  print(options, document, () => capturedText(frames, document));
  if (leftBytes > 0) process.stderr.write(`${file}: ${leftBytes} bytes at its end are no whole frame\n`);
}

function readCapture(file: string, limit: number) {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`);
  }
  const result = decodePcap(bytes, limit);
  if (!result.ok) throw new Failure(`${file}: ${result.problem}`);
  return result;
}

/** As many frames together as one request takes. */
function pieces(frames: readonly CapturedFrame[]): CapturedFrame[][] {
  const cut: CapturedFrame[][] = [];
  let room = 0;
  for (const frame of frames) {
    const needed = 2 * frame.bytes.length + 3;
    const current = cut.at(-1);
    if (current === undefined || needed > room || current.length === LARGEST_EXPLAIN_FRAMES) {
      cut.push([frame]);
      room = FRAMES_BODY_BYTES - needed;
    } else {
      current.push(frame);
      room -= needed;
    }
  }
  return cut;
}

async function ask(body: unknown, place: ControlPlace): Promise<ExplainDocument> {
  const answer = await controlRequest<ExplainDocument>(place, '/explain', body);
  if (!answer.ok) throw new Failure(answer.problem.message);
  return answer.value;
}

function print(options: ReadOptions, document: ExplainDocument, asText: () => string): void {
  process.stdout.write(`${options.json === true ? JSON.stringify(document) : asText()}\n`);
}
