/** Configuration and key files: any text is a configuration or a list of problems, each with a code and a message. */
import {
  configTemplate,
  formatProblem,
  KEY_BYTES,
  parseConfig,
  parseKey,
  unsupportedProblems,
} from '../../../../packages/node/dist/config/index.js';
import { must, type Target } from '../target.js';

const FILE = '/etc/ringmaster/ringmaster.yaml';
const word = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** What `ringmaster init` writes, without the comments that would fill an input. */
const template = configTemplate({ interface: 'eth0', address: '10.0.0.100' }).replace(/^ *#.*\n|^\n/gm, '');
const full = `interface: eth0
address: 10.0.0.11
outside: { interface: eth1 }
ring: { insecure: true, election: { largest: 2 }, minimumMembers: 2 }
clusters:
  - address: 10.0.0.100
    mode: l4/3
    gateway: 10.0.0.1
    ports:
      - { port: 80, protocol: all, targetPort: 8080, health: { http: "http://127.0.0.1/", rise: 1 } }
      - { port: 53, protocol: udp, health: { tcp: "127.0.0.1:53", fall: 2 } }
  - address: fe80::1
    mode: l7
    ports: [{ port: 443, protocol: tcp, scheduler: maglev }]
control: { socket: /run/r.sock }
`;
const aliases = `a: &a [x, y]\nb: &b [*a, *a]\nc: [*b, *b, *a]\n`;

const WORDS =
  ': |- |\n  |\n- |{|}|[|]|&a|*a|<<: *a|!!map|? |"|\'|#|---\n|...\n|null|~|.inf|1e400|0x10|-1|__proto__|constructor|' +
  'interface|ring|clusters|address|mode|l4/2|l4/3|gateway|ports|port|protocol|health|election|keyFile|control|socket';

export const target: Target = {
  maxBytes: 1024,
  seeds: () =>
    [template, full, aliases, '%YAML 1.2\n---\n', 'YWJj'.repeat(11), '0123456789abcdef'.repeat(4)].map(word),
  dictionary: WORDS.split('|').map(word),
  run(input) {
    const text = Buffer.from(input).toString('utf8');
    const key = parseKey(text);
    if (key.ok) must(key.key.length === KEY_BYTES, `a key of ${key.key.length} bytes`);
    const result = parseConfig(text, FILE);
    const problems = result.ok ? unsupportedProblems(result.value) : result.problems;
    must(result.ok || problems.length > 0, 'refused without a reason');
    for (const problem of problems) {
      must(problem.message.length > 0 && problem.code.length > 0, 'a problem without a message');
      must(formatProblem(FILE, problem).startsWith(FILE), 'a problem without its file');
      must(problem.line === undefined || problem.line >= 1, `line ${problem.line}`);
    }
  },
};
