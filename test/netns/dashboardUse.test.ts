import { Cluster, nowMs, type ClusterHost } from '@ringmaster/lab';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBrowser } from './browser.js';

/**
 * How the dashboard is used, in Chromium on a node, at its loopback address and without a token: what a click does and
 * what it must not do, who is refused, and whether people can read and hit what they see.
 */

const PORT = 7480;
const HOME = `http://127.0.0.1:${PORT}/`;
const PATIENCE_MS = 20_000;
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };

let cluster: Cluster;
let browser: Browser;
let page: Page;
const troubles: string[] = [];

beforeAll(async () => {
  cluster = await Cluster.raise({
    ring: { communicationTimeoutMs: 1000 },
    settings: { dashboard: { listen: `127.0.0.1:${PORT}`, allowChanges: true } },
  });
  browser = await startBrowser(cluster.hosts[1].host);
  page = await open();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await cluster?.close();
}, 60_000);

async function open(): Promise<Page> {
  const opened = await browser.newPage({ viewport: DESKTOP, colorScheme: 'light' });
  opened.setDefaultTimeout(PATIENCE_MS);
  opened.on('pageerror', ({ message }) => troubles.push(message));
  opened.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  await opened.goto(HOME);
  await opened.locator('#ring svg').waitFor();
  return opened;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = nowMs() + PATIENCE_MS;
  while (!(await holds())) {
    if (nowMs() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const drainOf = async ({ node, address }: ClusterHost) =>
  (await node.status()).ring.members.find((member) => member.address === address)?.drain?.state;

const button = (action: 'drain' | 'undrain', host: ClusterHost) =>
  row(host).getByRole('button', { name: `${action} ${host.address}`, exact: true });

const row = (host: ClusterHost) => page.locator(`tr[data-member="${host.address}"]`);

test('a server is drained by a click that is confirmed, and not by one that is not; and taken back', async () => {
  const [, , n3] = cluster.hosts;
  const asked: string[] = [];
  const told: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && told.push(request.url()));
  page.once('dialog', (dialog) => (asked.push(dialog.message()), void dialog.dismiss()));
  await button('drain', n3).click();
  expect(asked[0]).toContain(`Drain ${n3.address}?`);
  expect(told).toEqual([]);

  page.once('dialog', (dialog) => void dialog.accept());
  // By the keyboard this time.
  await button('drain', n3).press('Enter');
  await button('undrain', n3).waitFor();
  expect(told).toEqual([`${HOME}api/drain`]);
  await until('n3 is drained', async () => (await drainOf(n3)) !== undefined);
  expect(await row(n3).locator('.chip').first().textContent()).toBe('drained');

  page.once('dialog', (dialog) => void dialog.accept());
  await button('undrain', n3).click();
  await until('n3 serves again', async () => (await drainOf(n3)) === undefined);
  expect(troubles).toEqual([]);
}, 120_000);

test('a page of another origin drains nothing: neither by a script nor by a form', async () => {
  const [, n2, n3] = cluster.hosts;
  const program = `require('http').createServer((q, s) => s.end('<!doctype html><title>other</title>')).listen(7999, '127.0.0.1', () => console.log('ready'))`;
  const other = n2.host.spawn(process.execPath, ['-e', program]);
  await other.waitForLine((line) => line === 'ready', PATIENCE_MS);
  const stranger = await browser.newPage();
  await stranger.goto('http://127.0.0.1:7999/');
  const answers: number[] = [];
  stranger.on('response', (response) => {
    if (response.url().startsWith(HOME)) answers.push(response.status());
  });
  const url = `${HOME}api/drain`;
  const body = JSON.stringify({ addresses: [n3.address] });
  // As simple requests these are sent without asking the node first.
  await stranger.evaluate(
    ([to, text]) => fetch(to, { method: 'POST', mode: 'no-cors', body: text }).catch(() => undefined),
    [url, body],
  );
  const preflight = await stranger.evaluate(
    ([to, text]) =>
      fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text }).then(
        () => 'sent',
        () => 'refused by the browser',
      ),
    [url, body],
  );
  expect(preflight).toBe('refused by the browser');
  await stranger.setContent(
    `<form method="post" enctype="text/plain" action="${url}"><input name='${body.slice(0, -1)},"x":"' value='"}'><button>win</button></form>`,
  );
  await stranger.getByRole('button').click();
  await until('the form was answered', async () => answers.filter((status) => status === 403).length >= 2);
  expect(answers.filter((status) => status < 400)).toEqual([]);
  expect(await drainOf(n3)).toBeUndefined();
  await stranger.close();
  other.kill('SIGKILL');
}, 60_000);

test.each(['light', 'dark'] as const)(
  '%s, on a phone: nothing is wider than the screen, texts can be read, buttons be hit',
  async (colorScheme) => {
    const phone = await browser.newPage({ viewport: PHONE, colorScheme, reducedMotion: 'reduce' });
    await phone.goto(HOME);
    await phone.locator('button').first().waitFor();
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(PHONE.width);
    const boxes = await Promise.all(
      (await phone.locator('button').all()).map((button) => button.boundingBox()),
    );
    for (const box of boxes) expect(box?.height).toBeGreaterThanOrEqual(44);
    const ground = String(await phone.evaluate('getComputedStyle(document.body).backgroundColor'));
    const text = String(await phone.evaluate('getComputedStyle(document.body).color'));
    const moves = await phone.evaluate(
      'getComputedStyle(document.querySelector("#ring .token")).animationName',
    );
    expect(moves).toBe('none');
    expect(luminance(ground) < luminance(text)).toBe(colorScheme === 'dark');
    expect(contrast(ground, text)).toBeGreaterThan(7);
    await phone.close();
  },
  60_000,
);

/** Relative luminance of `rgb(r, g, b)`, WCAG 2. */
function luminance(color: string): number {
  const [r, g, b] = (color.match(/\d+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}
