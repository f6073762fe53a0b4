/** Explanations as text for people. */
import type { ExplainDocument, ExplainedFrame } from '@ringmaster/node';
import { duration } from './connectionsText.js';
import { table } from './table.js';

/** What `ringmaster explain PROTOCOL CLIENT CLUSTER` prints. */
export function explainedText({ frames: [frame] }: ExplainDocument): string {
  const rows: (readonly [string, string])[] = [
    ['packet', flow(frame)],
    ['verdict', verdict(frame)],
    ['why', frame.why],
  ];
  if (frame.server !== null) rows.push(['server', frame.server]);
  if (frame.connection !== null) {
    const { server, state, idleMs, packets } = frame.connection;
    rows.push(['connection', `${state} at ${server}, ${packets} packets, the last ${duration(idleMs)} ago`]);
  } else rows.push(['connection', 'none in the map']);
  if (frame.service !== null) {
    const { scheduler, stateless, servers, eligible } = frame.service;
    const how = stateless ? ', stateless' : '';
    rows.push(['service', `${scheduler}${how}, ${eligible} of ${servers} servers take new connections`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join('\n');
}

/** What `ringmaster explain --pcap` prints: a line a frame. */
export function capturedText(
  captured: readonly { readonly atMs: number }[],
  { frames }: ExplainDocument,
): string {
  const startMs = captured[0]?.atMs ?? 0;
  const rows = frames.map((frame, i) => [
    `${i + 1}`,
    `${(captured[i].atMs - startMs).toFixed(1)} ms`,
    flow(frame),
    verdict(frame),
    frame.server ?? '-',
    frame.why,
  ]);
  return table(['FRAME', 'AT', 'PACKET', 'VERDICT', 'SERVER', 'WHY'], rows);
}

function flow({ protocol, client, cluster, direction }: ExplainedFrame): string {
  if (protocol === null) return '-';
  return `${protocol} ${client} ${direction === 'to-client' ? '<-' : '->'} ${cluster}`;
}

const verdict = ({ verdict: name, reason }: ExplainedFrame): string =>
  reason === null ? name : `${name} (${reason})`;
