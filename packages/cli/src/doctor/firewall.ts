/**
 * Whether this host's firewall lets the ring through, read from the rules that `nft` lists (those of iptables-nft are among
 * them). What cannot be judged counts as letting it through: only a chain that surely drops is reported.
 */
import { execFile } from 'node:child_process';
import { error, fine, warning, type Finding } from './finding.js';

type Json = Readonly<Record<string, unknown>>;

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr: readonly Json[];
}

export interface Ruleset {
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
}

/** A packet of the ring, as far as rules ask about it. */
export interface RingPacket {
  readonly interface: string;
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
}

/** What the host's firewall says, or why it could not be asked. */
export type FirewallAnswer =
  | { readonly ok: true; readonly ruleset: Ruleset }
  | { readonly ok: false; readonly why: 'no-nft' | 'denied' };

const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** Reads what `nft -j list ruleset` prints; what is not understood is left out. */
export function parseRuleset(text: string): Ruleset {
  const parsed: unknown = JSON.parse(text);
  const list = record(parsed)['nftables'];
  const entries = Array.isArray(list) ? list.map(record) : [];
  return {
    chains: entries.flatMap(({ chain }) => (chain ? [chain as unknown as Chain] : [])),
    rules: entries.flatMap(({ rule }) => (rule ? [rule as unknown as Rule] : [])),
  };
}

/** Asks the kernel by `nft`; needs CAP_NET_ADMIN. */
export function readFirewall(): Promise<FirewallAnswer> {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const options = { env: { ...process.env, PATH: path }, maxBuffer: 64 * 1024 * 1024, timeout: 10_000 };
  return new Promise((resolve) => {
    execFile('nft', ['-j', 'list', 'ruleset'], options, (failure, stdout) => {
      if (failure) resolve({ ok: false, why: failure.code === 'ENOENT' ? 'no-nft' : 'denied' });
      else resolve({ ok: true, ruleset: parseRuleset(stdout) });
    });
  });
}

/** Whether `wanted` is what a rule compares with: a value, a set, a range; undefined: cannot be told (a named set). */
function includes(right: unknown, wanted: string | number): boolean | undefined {
  if (typeof right === 'string' && right.startsWith('@')) return undefined;
  if (typeof right === 'string' || typeof right === 'number') return right === wanted;
  const { set, range, prefix } = record(right);
  if (Array.isArray(set)) {
    const each = set.map((entry) => includes(entry, wanted));
    return each.includes(true) ? true : each.includes(undefined) ? undefined : false;
  }
  if (Array.isArray(range)) return Number(range[0]) <= Number(wanted) && Number(wanted) <= Number(range[1]);
  return prefix === undefined && Array.isArray(right)
    ? right.some((entry) => includes(entry, wanted) === true)
    : undefined;
}

/** What a match asks of: `iifname`, `l4proto`, `tcp dport`, `ct state`, ... */
function subjectOf(left: Json): string {
  const { meta, payload, ct } = left;
  if (meta !== undefined) return String(record(meta)['key']);
  if (ct !== undefined) return `ct ${String(record(ct)['key'])}`;
  const { protocol, field } = record(payload);
  return `${String(protocol)} ${String(field)}`;
}

/** Whether a first packet of the ring may fulfil a match. */
function mayMatch(match: Json, packet: RingPacket): boolean {
  const subject = subjectOf(record(match['left']));
  const wanted: Readonly<Record<string, string | number | undefined>> = {
    iifname: packet.interface,
    iif: packet.interface,
    l4proto: packet.protocol,
    'ip protocol': packet.protocol,
    'th dport': packet.port,
    [`${packet.protocol} dport`]: packet.port,
    'ct state': 'new',
  };
  const other = packet.protocol === 'udp' ? 'tcp' : 'udp';
  if (subject.startsWith(`${other} `) || subject.startsWith('icmp')) return false;
  const value = wanted[subject];
  if (value === undefined) return true;
  const found = includes(match['right'], value);
  return found === undefined ? true : match['op'] === '!=' ? !found : found;
}

const rulesOf = ({ rules }: Ruleset, { family, table }: Chain, chain: string): Rule[] =>
  rules.filter((rule) => rule.family === family && rule.table === table && rule.chain === chain);

/** Whether a chain, or one that it leads to, may accept the packet. */
function mayAccept(ruleset: Ruleset, chain: Chain, name: string, packet: RingPacket, depth = 0): boolean {
  if (depth > 16) return true; // nft allows as many jumps
  return rulesOf(ruleset, chain, name).some(({ expr }) => {
    const matches = expr.flatMap((each) => ('match' in each ? [record(each['match'])] : []));
    if (!matches.every((match) => mayMatch(match, packet))) return false;
    return expr.some((each) => {
      if ('accept' in each || 'vmap' in each || 'queue' in each || 'xt' in each) return true;
      const target = record(each['jump'] ?? each['goto'])['target'];
      return typeof target === 'string' && mayAccept(ruleset, chain, target, packet, depth + 1);
    });
  });
}

/** Whether a chain ends with dropping what no rule has accepted. */
function dropsByDefault(ruleset: Ruleset, chain: Chain): boolean {
  if (chain.policy === 'drop') return true;
  const last = rulesOf(ruleset, chain, chain.name).at(-1)?.expr ?? [];
  return last.every((each) => !('match' in each)) && last.some((each) => 'drop' in each || 'reject' in each);
}

/** The chains that surely drop a packet of the ring. */
export function droppingChains(ruleset: Ruleset, packet: RingPacket): string[] {
  return ruleset.chains
    .filter(({ hook, family }) => hook === 'input' && ['ip', 'inet'].includes(family))
    .filter((chain) => dropsByDefault(ruleset, chain) && !mayAccept(ruleset, chain, chain.name, packet))
    .map(({ family, table, name }) => `${family} ${table} ${name}`);
}

/** Whether what conntrack does not know is dropped before it can reach a service. */
export function dropsInvalid({ rules }: Ruleset): boolean {
  return rules.some(({ expr }) => {
    const text = JSON.stringify(expr);
    const drops = /"(drop|reject)"/.test(text);
    return drops && /"ct":\{"key":"state"\}/.test(text.replaceAll(' ', '')) && text.includes('"invalid"');
  });
}

/** Firewall and connection tracking. */
export function firewallFindings(
  answer: FirewallAnswer,
  ring: { readonly interface: string; readonly port: number; readonly overUdp: boolean },
  looseTracking: string | undefined,
): Finding[] {
  if (!answer.ok) {
    if (answer.why === 'no-nft')
      return [fine('firewall', 'there is no nft command to ask about firewall rules')];
    const why = 'a firewall that drops by default is the usual reason that nodes do not hear each other';
    return [warning('firewall', 'the firewall rules were not read', why, 'run doctor as root')];
  }
  const protocols = ring.overUdp ? (['udp', 'tcp'] as const) : (['tcp'] as const);
  const dropped = protocols.flatMap((protocol) =>
    droppingChains(answer.ruleset, { ...ring, protocol }).map((chain) => {
      const what = `the firewall (${chain}) drops ${protocol.toUpperCase()} to port ${ring.port}`;
      const why = 'the nodes of the ring talk through it';
      const accept = `iifname "${ring.interface}" ${protocol} dport ${ring.port} accept`;
      return error(
        'firewall',
        what,
        why,
        `run, and keep in /etc/nftables.conf: nft insert rule ${chain} ${accept}`,
      );
    }),
  );
  const open = fine('firewall', `no firewall rule surely keeps the ring from port ${ring.port}`);
  return [...(dropped.length > 0 ? dropped : [open]), tracking(answer.ruleset, looseTracking)];
}

const LOOSE = 'net/netfilter/nf_conntrack_tcp_loose';

function tracking(ruleset: Ruleset, loose: string | undefined): Finding {
  if (loose !== '0' || !dropsInvalid(ruleset)) {
    return fine('conntrack', 'connections that are older than their tracking are not dropped');
  }
  const why =
    'connections that began before the rules were loaded, or that were forgotten, are cut off without a word';
  const what = 'the firewall drops what is INVALID, and tracking takes up no connection in its middle';
  const cure = `run: sysctl -w ${LOOSE.replaceAll('/', '.')}=1`;
  return warning('conntrack', what, why, cure, { kind: 'sysctl', path: LOOSE, value: '1' });
}
