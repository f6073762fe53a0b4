/** The report: a page for each run of a scenario, and one that leads to them. They need nothing but a browser. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../perform.js';
import { colourOf, escape, picture, serversOf } from './picture.js';

const STYLE = `
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: currentColor; } svg .axis { stroke: currentColor; }
svg line.fault { stroke: #d1242f; stroke-dasharray: 3 3; } svg text.fault { fill: #d1242f; }
svg .dispatcher { fill: currentColor; } svg .role { fill: #8888; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; } td, th { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); }
.ok { color: #1a7f37; } .bad { color: #d1242f; font-weight: bold; } .swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
.fault td { color: #d1242f; } small { opacity: .7; }
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
  return `<p><small>Requests served by${names.join('')}<span class="swatch" style="background:#d1242f"></span>failed &nbsp; ▼ becomes dispatcher, ◆ other changes of roles (point at them)</small></p>`;
}

function scenarioPage(result: Result): string {
  const { scenario, about, judgements, fates, timeline, longestGapMs, requests, failed } = result;
  const conditions = judgements.map(
    ({ that, ok, found }) =>
      `<tr><td>${escape(that)}</td><td>${verdict(ok)}</td><td>${escape(found)}</td></tr>`,
  );
  const held = fates.map(
    ({ server, held: count, lost, harmed }) =>
      `<tr><td>${server}${harmed ? ' (harmed)' : ''}</td><td>${count}</td><td>${lost}</td></tr>`,
  );
  const entries = timeline.map(
    ({ at, kind, node = '', text }) =>
      `<tr class="${kind}"><td>${at} ms</td><td>${node}</td><td>${escape(text)}</td></tr>`,
  );
  return document(
    `Ringmaster: ${scenario}`,
    `<p><a href="index.html">all scenarios</a></p><h1>${scenario}</h1><p>${escape(about)}</p>${picture(result)}${legend(result)}
<p>${requests} requests, ${failed} failed; the longest time without a served one: ${longestGapMs} ms.</p>
<table><tr><th>what must hold</th><th></th><th>found</th></tr>${conditions.join('')}</table>
<h2>Long-lived connections</h2><table><tr><th>on</th><th>held</th><th>lost</th></tr>${held.join('')}</table>
<h2>Timeline</h2><table>${entries.join('')}</table>`,
  );
}

function indexPage(results: readonly Result[], files: readonly string[]): string {
  const rows = results.map(
    (result, index) =>
      `<tr><td><a href="${files[index]}">${result.scenario}</a></td><td>${escape(result.about)}</td><td>${verdict(result.ok)}</td><td>${result.longestGapMs} ms</td><td>${result.failed} of ${result.requests}</td></tr>`,
  );
  return document(
    'Ringmaster: fault injection',
    `<h1>Fault injection</h1><table><tr><th>scenario</th><th></th><th></th><th>longest gap</th><th>failed requests</th></tr>${rows.join('')}</table>${results
      .map((result, index) => `<h2><a href="${files[index]}">${result.scenario}</a></h2>${picture(result)}`)
      .join('')}`,
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
