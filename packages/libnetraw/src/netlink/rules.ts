import assert from 'node:assert/strict';
import { SystemError } from '../libc/index.js';
import { EEXIST, ENOENT } from '../libc/constants.js';
import { attributeText, forEachAttribute, withAttributes } from './attributes.js';
import { familyNumber, formatIp, parseIp, type AddressFamily } from './ipText.js';
import { NLM_F_CREATE, NLM_F_EXCL } from './netlinkSocket.js';
import { changeOnce, dumpAll, readAttributeU32, u32 } from './rtnetlink.js';

/** A rule of policy routing (ip-rule(8)): packets that match all that is given are routed by `table`. */
export interface PolicyRule {
  readonly family: AddressFamily;
  /** Rules are tried from the smallest priority on; the main table is at 32766. */
  readonly priority: number;
  readonly table: number;
  /** Arrived by this interface; `lo` is what this host sends itself. */
  readonly incoming?: string;
  /** IP protocol number: 6 TCP, 17 UDP. */
  readonly ipProtocol?: number;
  readonly sourcePort?: number;
  /** From exactly this address. */
  readonly from?: string;
}

const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const RTM_GETRULE = 34;
/** struct fib_rule_hdr { u8 family, dst_len, src_len, tos, table, res1, res2, action; u32 flags } */
const RULE_HEADER_BYTES = 12;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FRA_TABLE = 15;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FR_ACT_TO_TABLE = 1;

/**
 * Adds a rule.
 * @returns `'present'` if there is such a rule already
 * @throws SystemError `EPERM` without CAP_NET_ADMIN, `EINVAL` on Linux before 4.17, which knows no ports in rules
 */
export function addRule(rule: PolicyRule): 'added' | 'present' {
  const doing = `adding the routing rule ${describeRule(rule)}`;
  const errno = changeOnce(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, encodeRule(rule), doing);
  if (errno === EEXIST) return 'present';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_NEWRULE', doing });
  return 'added';
}

/**
 * Deletes a rule.
 * @returns `'absent'` if there is none such
 * @throws SystemError `EPERM` without CAP_NET_ADMIN
 */
export function deleteRule(rule: PolicyRule): 'deleted' | 'absent' {
  const doing = `deleting the routing rule ${describeRule(rule)}`;
  const errno = changeOnce(RTM_DELRULE, 0, encodeRule(rule), doing);
  if (errno === ENOENT) return 'absent';
  if (errno !== 0) throw new SystemError(errno, { syscall: 'RTM_DELRULE', doing });
  return 'deleted';
}

/**
 * The rules that send packets to a table, in the order in which they are tried. What a rule asks beyond the fields of
 * {@link PolicyRule} is not shown. Needs no privilege. Throws {@link SystemError}.
 */
export function listRules(family: AddressFamily): PolicyRule[] {
  const fixed = new Uint8Array(RULE_HEADER_BYTES);
  fixed[0] = familyNumber(family);
  const request = { type: RTM_GETRULE, name: 'RTM_GETRULE', answer: RTM_NEWRULE };
  const decode = (view: DataView, offset: number, end: number) => decodeRule(family, view, offset, end);
  return dumpAll(request, fixed, decode, 'listing the routing rules');
}

/** As ip-rule(8) writes it: `from 10.0.0.11 iif lo ipproto 6 sport 80 lookup 7400 priority 7400`. */
export function describeRule(rule: PolicyRule): string {
  const parts = [
    rule.from !== undefined && `from ${rule.from}`,
    rule.incoming !== undefined && `iif ${rule.incoming}`,
    rule.ipProtocol !== undefined && `ipproto ${rule.ipProtocol}`,
    rule.sourcePort !== undefined && `sport ${rule.sourcePort}`,
    `lookup ${rule.table} priority ${rule.priority}`,
  ];
  return parts.filter(Boolean).join(' ');
}

function encodeRule(rule: PolicyRule): Uint8Array {
  const fixed = new Uint8Array(RULE_HEADER_BYTES);
  fixed[0] = familyNumber(rule.family);
  fixed[7] = FR_ACT_TO_TABLE;
  const attributes: [number, Uint8Array][] = [
    [FRA_PRIORITY, u32(rule.priority)],
    [FRA_TABLE, u32(rule.table)],
  ];
  if (rule.from !== undefined) {
    const from = parseIp(rule.from);
    assert(from?.family === rule.family, `not an address of ${rule.family}: ${rule.from}`);
    fixed[2] = from.bytes.length * 8;
    attributes.push([FRA_SRC, from.bytes]);
  }
  if (rule.incoming !== undefined) attributes.push([FRA_IIFNAME, Buffer.from(`${rule.incoming}\0`)]);
  if (rule.ipProtocol !== undefined) attributes.push([FRA_IP_PROTO, Uint8Array.of(rule.ipProtocol)]);
  if (rule.sourcePort !== undefined) {
    const range = new Uint8Array(4); // u16 first and last, of the host's byte order
    const view = new DataView(range.buffer);
    view.setUint16(0, rule.sourcePort, true);
    view.setUint16(2, rule.sourcePort, true);
    attributes.push([FRA_SPORT_RANGE, range]);
  }
  return withAttributes(fixed, attributes);
}

function decodeRule(
  family: AddressFamily,
  view: DataView,
  offset: number,
  end: number,
): PolicyRule | undefined {
  if (view.getUint8(offset) !== familyNumber(family)) return undefined;
  if (view.getUint8(offset + 7) !== FR_ACT_TO_TABLE) return undefined;
  const rule: { -readonly [Key in keyof PolicyRule]: PolicyRule[Key] } = {
    family,
    priority: 0,
    table: view.getUint8(offset + 4),
  };
  forEachAttribute(view, offset + RULE_HEADER_BYTES, end, (type, value) => {
    if (type === FRA_PRIORITY) rule.priority = readAttributeU32(value);
    else if (type === FRA_TABLE) rule.table = readAttributeU32(value);
    else if (type === FRA_IIFNAME) rule.incoming = attributeText(value);
    else if (type === FRA_IP_PROTO && value.length === 1) rule.ipProtocol = value[0];
    else if (type === FRA_SPORT_RANGE && value.length === 4)
      rule.sourcePort = new DataView(value.buffer, value.byteOffset).getUint16(0, true);
    else if (type === FRA_SRC) {
      const from = formatIp(value);
      if (from !== undefined) rule.from = from;
    }
  });
  return rule;
}
