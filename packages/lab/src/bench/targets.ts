import { DIRECT, REFERENCE, RINGMASTER, RINGMASTER_NAT } from './contenders.js';
import { ARRIVED, PACKETS } from './packetRate.js';
import { figure, type Row } from './report.js';
import { median, pairedRatios } from './statistics.js';

/** What Ringmaster is to reach against another contender: their medians' ratio is at least `least`. */
interface RatioTarget {
  readonly work: string;
  readonly unit: string;
  readonly rival: string;
  /** Default: Ringmaster in L4/2. */
  readonly own?: string;
  readonly least: number;
}

const RATIOS: readonly RatioTarget[] = [
  { work: 'keep-alive', unit: 'requests/s', rival: DIRECT, least: 0.85 },
  { work: 'keep-alive', unit: 'requests/s', rival: REFERENCE, least: 0.95 },
  { work: 'keep-alive', unit: 'requests/s', rival: 'nftables DNAT', least: 1.2 },
  { work: 'keep-alive', unit: 'requests/s', rival: 'HAProxy mode tcp', least: 2.5 },
  { work: 'keep-alive', unit: 'requests/s', rival: 'nginx stream', least: 2 },
  { work: 'new connections', unit: 'connections/s', rival: DIRECT, least: 0.8 },
  { work: 'new connections', unit: 'connections/s', rival: 'nftables DNAT', least: 1 },
  { work: 'new connections', unit: 'connections/s', rival: 'HAProxy mode tcp', least: 2 },
  { work: 'bulk', unit: 'bytes/s', rival: DIRECT, least: 1 },
  { work: 'bulk', unit: 'bytes/s', own: RINGMASTER_NAT, rival: 'nftables DNAT', least: 1 },
  { work: PACKETS, unit: ARRIVED, rival: REFERENCE, least: 0.95 },
];

/** Microseconds over direct. */
const ADDED_US: Readonly<Record<string, number>> = { 'us p50': 30, 'us p99': 200 };

/** A line for each target for which there are figures: the median of the rounds' ratios, and whether it is enough. */
export function targetLines(rows: readonly Row[]): string[] {
  const find = (work: string, unit: string, contender: string) =>
    rows.find((row) => row.work === work && row.unit === unit && row.contender === contender);
  const lines: string[] = [];
  for (const { work, unit, own: name = RINGMASTER, rival, least } of RATIOS) {
    const [own, other] = [find(work, unit, name), find(work, unit, rival)];
    if (own === undefined || other === undefined) continue;
    const ratio = pairedRatios(own.values, other.values).median;
    const who = name === RINGMASTER ? '' : `, ${name}`;
    lines.push(`${work}${who}: ${ratio.toFixed(2)} of ${rival} (target ${least}: ${met(ratio >= least)})`);
  }
  for (const [unit, mostUs] of Object.entries(ADDED_US)) {
    const [own, direct] = [find('latency', unit, RINGMASTER), find('latency', unit, DIRECT)];
    if (own === undefined || direct === undefined) continue;
    const addedUs = median(own.values.map((value, round) => value - direct.values[round]));
    lines.push(
      `latency: ${figure(addedUs)} ${unit} over direct (target at most ${mostUs}: ${met(addedUs <= mostUs)})`,
    );
  }
  return lines;
}

function met(isMet: boolean): string {
  return isMet ? 'met' : 'MISSED';
}
