/** The page: asks the node once a second, listens to what happens, draws. */
import { el, part } from './dom.js';
import { short } from './format.js';
import { drawMembers, type Orders } from './members.js';
import { drawNews, MOST_NEWS } from './news.js';
import { drawRing } from './ring.js';
import { drawTraffic } from './traffic.js';
import type { News, Sample, Status } from './types.js';

const ASK_MS = 1000;
/** As the node keeps it. */
const MOST_SAMPLES = 900;
const SPAN_MS = 300_000;
/** Without an answer for this long the page says that it is out of date. */
const STALE_MS = 4000;

let samples: Sample[] = [];
let answeredMs = 0;
let allowsChanges = document.documentElement.dataset['changes'] !== 'no';

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(`api${path}`, { signal: AbortSignal.timeout(STALE_MS) });
  if (!answer.ok) throw new Error(`the node answered ${answer.status}`);
  return (await answer.json()) as T;
}

async function ask(): Promise<void> {
  try {
    const since = samples.at(-1)?.atMs ?? 0;
    const [status, history] = await Promise.all([
      read<Status>('/status'),
      read<{ samples: Sample[] }>(`/history?since=${since}`),
    ]);
    samples = [...samples, ...history.samples].slice(-MOST_SAMPLES);
    answeredMs = performance.now();
    draw(status);
  } catch {
    // What is said of it follows from when the last answer came.
  }
  const isStale = performance.now() - answeredMs > STALE_MS;
  part('live').textContent = isStale ? 'no answer' : 'live';
  document.body.classList.toggle('stale', isStale);
}

function draw(status: Status): void {
  const { ring, connections, rebuild, health = [] } = status;
  // The node's own clock: the reader's may be wrong.
  const nowMs = samples.at(-1)?.atMs ?? Date.now();
  document.title = `${status.role} ${status.address} - Ringmaster`;
  part('who').textContent = status.address;
  part('role').textContent = status.role;
  part('dispatcher').textContent = ring.dispatcher ?? 'nobody';
  part('dispatcher').classList.toggle('bad', ring.dispatcher === null);
  part('open').textContent = short(connections.established);
  part('map').textContent = mapText(rebuild);
  part('ring').replaceChildren(drawRing(status));
  part('traffic').replaceChildren(...drawTraffic(samples, nowMs, SPAN_MS));
  part('note').hidden = status.role !== 'server';
  keepFocus(part('members'), () =>
    part('members').replaceChildren(drawMembers(status, samples, nowMs, orders())),
  );
  const checks = health.map(({ check, state, lastFailure }) =>
    el(
      'li',
      { class: state },
      el('span', { class: 'check' }, check),
      el('span', { class: 'text' }, state === 'ill' ? (lastFailure ?? 'no answer') : state),
    ),
  );
  part('health').replaceChildren(...(checks.length > 0 ? checks : [el('li', {}, 'nothing is checked')]));
}

function mapText({ state, percent, ms }: Status['rebuild']): string {
  if (state === 'idle') return 'its own';
  return state === 'running' ? `${percent} % learned` : `learned in ${Math.round(ms)} ms`;
}

/** Redrawing must not take the button away from under somebody's finger. */
function keepFocus(within: HTMLElement, redraw: () => void): void {
  const focused = within.contains(document.activeElement) ? document.activeElement : null;
  const label = focused?.getAttribute('aria-label');
  redraw();
  if (label === null || label === undefined) return;
  for (const button of within.querySelectorAll<HTMLElement>('button'))
    if (button.getAttribute('aria-label') === label) button.focus();
}

function orders(): Orders {
  return allowsChanges ? { give: (action, address) => void order(action, address) } : {};
}

async function order(action: 'drain' | 'undrain', address: string): Promise<void> {
  const question =
    action === 'drain'
      ? `Drain ${address}? It is given no new connections; those that it has go on.`
      : `Give ${address} new connections again?`;
  if (!window.confirm(question)) return;
  const answer = await fetch(`api/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ addresses: [address] }),
  }).catch(() => undefined);
  const said = (await answer?.json().catch(() => undefined)) as {
    error?: { code?: string; message?: string };
  };
  if (said?.error?.code === 'read-only') allowsChanges = false;
  part('said').textContent =
    answer?.ok === true ? `${action} ${address}: done` : (said?.error?.message ?? 'the node did not answer');
  void ask();
}

function listen(): void {
  const source = new EventSource('api/events');
  source.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const list = part('news');
    list.prepend(drawNews(JSON.parse(data) as News));
    while (list.children.length > MOST_NEWS) list.lastElementChild?.remove();
  });
}

listen();
void ask();
setInterval(() => void ask(), ASK_MS);
