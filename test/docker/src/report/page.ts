/** The report: a page for each run of a scenario, and one that leads to them. They need nothing but a browser. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../perform.js';
import { HELD } from '../timeline.js';
import { colourOf, escape, FAILED, picture, serversOf } from './picture.js';

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --quiet: light-dark(#57606a, #9aa4ae); --good: light-dark(#1a7f37, #56d364); --bad: light-dark(#c11c28, #ff7b72); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
a { color: light-dark(#0550ae, #79b8ff); }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: currentColor; } svg .axis { stroke: currentColor; } svg .gap { fill: var(--bad); opacity: .18; }
svg line.fault { stroke: var(--bad); stroke-dasharray: 3 3; } svg text.fault { fill: var(--bad); }
svg .dispatcher { fill: currentColor; } svg .role { fill: var(--quiet); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
td, th { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; } .name, .figure { white-space: nowrap; }
.ok { color: var(--good); } .bad { color: var(--bad); font-weight: bold; } .swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
.fault td { color: var(--bad); } small { color: var(--quiet); }
`;

const document = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>\n`;

const verdict = (ok: boolean): string =>
  ok ? '<span class="ok">holds</span>' : '<span class="bad">FAILS</span>';

function legend(result: Result): string {
  const servers = serversOf(result);
  const names = servers.map(
    (server) => `<span class="swatch" style="background:${colourOf(servers, server)}"></span>${server}`,
  );
  return `<p><small>Requests served by${names.join('')}<span class="swatch" style="background:${FAILED}"></span>failed &nbsp; ▼ becomes dispatcher, ◆ other changes of roles (point at them)</small></p>`;
}

function scenarioPage(result: Result): string {
  const { scenario, about, judgements, fates, timeline, longestGapMs, requests, failed } = result;
  const conditions = judgements.map(
    ({ that, ok, found }) =>
      `<tr><td>${escape(that)}</td><td>${verdict(ok)}</td><td>${escape(found)}</td></tr>`,
  );
  const held = fates.map(
    ({ server, held: count, lost, harmed, longestSilenceMs }) =>
      `<tr><td>${server}${harmed ? ' (harmed)' : ''}</td><td>${count}</td><td>${lost}</td><td>${longestSilenceMs} ms</td></tr>`,
  );
  const entries = timeline.map(
    ({ at, kind, node = '', text }) =>
      `<tr class="${kind}"><td class="figure">${at} ms</td><td>${node}</td><td>${escape(text)}</td></tr>`,
  );
  return document(
    `Ringmaster: ${scenario}`,
    `<p><a href="index.html">all scenarios</a></p><h1>${scenario}</h1><p>${escape(about)}</p>${picture(result)}${legend(result)}
<p>${requests} requests, ${failed} failed; the longest time without a served one: ${longestGapMs} ms (shaded). Dispatcher in the end: ${result.dispatcher ?? 'unknown'}.</p>
${table(['what must hold', '', 'found'], conditions)}
<h2>Long-lived connections</h2>${table(['on', 'held', 'lost', 'longest wait for an answer'], held)}
<h2>Timeline</h2>${table(['', '', ''], entries)}`,
  );
}

const table = (head: readonly string[], rows: readonly string[]): string =>
  `<div class="wide"><table><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.join('')}</table></div>`;

function indexRow(result: Result, file: string): string {
  const { scenario, about, ok, longestGapMs, failed, requests, lost, dispatcher = '', left, tookMs } = result;
  const figures = [
    `${longestGapMs} ms`,
    `${failed} of ${requests}`,
    `${lost.spared}, ${lost.harmed}`,
    dispatcher,
    left.length === 0 ? 'nothing' : `<span class="bad">${escape(left.join('; '))}</span>`,
    `${Math.round(tookMs / 1000)} s`,
  ];
  return `<tr><td class="name"><a href="${file}">${scenario}</a></td><td>${escape(about)}</td><td>${verdict(ok)}</td>${figures.map((figure) => `<td class="figure">${figure}</td>`).join('')}</tr>`;
}

const HEAD = [
  ...['scenario', '', '', 'longest gap', 'failed requests'],
  ...['connections lost *', 'dispatcher in the end', 'left on hosts', 'took'],
];

function indexPage(results: readonly Result[], files: readonly string[]): string {
  const rows = results.map((result, index) => indexRow(result, files[index]));
  const hold = results.filter(({ ok }) => ok).length;
  const pictures = results.map(
    (result, index) => `<h2><a href="${files[index]}">${result.scenario}</a></h2>${picture(result)}`,
  );
  return document(
    'Ringmaster: fault injection',
    `<h1>Fault injection</h1><p>${hold} of ${results.length} hold. Each: a request every 10 ms and ${HELD} connections that stay open.</p>${table(HEAD, rows)}
<p><small>* on servers that were spared, and on those that were killed, stopped or cut off</small></p>${pictures.join('')}`,
  );
}

/**
 * Writes the pages.
 * @returns path of the one to begin with
 */
export function writeReport(directory: string, results: readonly Result[]): string {
  mkdirSync(directory, { recursive: true });
  const seen = new Map<string, number>();
  const files = results.map(({ scenario }) => {
    const count = (seen.get(scenario) ?? 0) + 1;
    seen.set(scenario, count);
    return count === 1 ? `${scenario}.html` : `${scenario}-${count}.html`;
  });
  results.forEach((result, index) => writeFileSync(join(directory, files[index]), scenarioPage(result)));
  const index = join(directory, 'index.html');
  writeFileSync(index, indexPage(results, files));
  return index;
}
