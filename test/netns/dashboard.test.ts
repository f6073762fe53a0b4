import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { Cluster, HeldConnections, RequestStream } from '@ringmaster/lab';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startBrowser } from './browser.js';

/**
 * The dashboard in a real browser, which runs on the lab's client and sees what the node tells: a failover as it
 * happens, a drain by its button, on a desk and on a phone. With `PICTURES=DIR` the pictures of docs are made anew.
 */

const TOKEN = 'only-for-this-test';
const PORT = 7480;
const PATIENCE_MS = 30_000;
const DESK: BrowserContextOptions = { viewport: { width: 1180, height: 900 }, colorScheme: 'light' };
const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' };

let directory: string;
let cluster: Cluster;
let browser: Browser;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-dashboard-'));
});
afterEach(async () => {
  await browser?.close();
  await cluster?.close();
  rmSync(directory, { recursive: true });
});

async function raise(): Promise<void> {
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const dashboard = { listen: `0.0.0.0:${PORT}`, tokenFile, allowChanges: true };
  // A busy machine may keep a node from being heard for a while: that is not what is tested here.
  cluster = await Cluster.raise({
    nodes: 4,
    ring: { communicationTimeoutMs: 1000 },
    settings: { dashboard },
  });
  browser = await startBrowser(cluster.client);
}

async function open(address: string, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({
    ...options,
    httpCredentials: { username: 'operator', password: TOKEN },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto(`http://${address}:${PORT}/`);
  return page;
}

async function picture(page: Page, name: string): Promise<void> {
  const to = process.env['PICTURES'];
  if (to !== undefined) await page.screenshot({ path: join(to, `${name}.png`), fullPage: true });
}

const textOf = (page: Page, id: string) =>
  expect.poll(() => page.textContent(`#${id}`), { timeout: PATIENCE_MS });

test('a failover is seen as it happens, on a desk and on a phone', async () => {
  await raise();
  const [victim, heir] = cluster.hosts;
  const { client, target } = cluster;
  await HeldConnections.open(client, target, { connections: 200, interval: 500, stalled: 10_000 });
  const stream = new RequestStream(client, target, { timeout: 5000 });
  await stream.firstServed(0, 10_000);
  const problems: string[] = [];
  const desk = await open(heir.address, DESK);
  desk.on('pageerror', (error) => problems.push(error.message));
  desk.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  const phone = await open(heir.address, PHONE);
  await textOf(desk, 'dispatcher').toBe(victim.address);
  expect(await desk.locator('#ring .member').count()).toBe(4);
  await textOf(desk, 'live').toBe('live');

  // Whoever handed over while the ring came together was not lost.
  expect(await desk.locator('#traffic .mark').count()).toBe(0);
  await victim.kill();
  await textOf(desk, 'dispatcher').toBe(heir.address);
  await textOf(desk, 'role').toBe('dispatcher');
  await textOf(desk, 'map').toMatch(/learned in \d+ ms/);
  await expect.poll(() => desk.locator('#traffic .mark').count(), { timeout: PATIENCE_MS }).toBe(4);
  await textOf(desk, 'news').toContain(`${victim.address} is not heard any more`);
  await textOf(desk, 'news').toContain('this node is dispatcher now');
  await expect.poll(() => desk.locator('#ring .member.out').count(), { timeout: PATIENCE_MS }).toBe(1);
  await textOf(phone, 'dispatcher').toBe(heir.address);
  await new Promise((resolve) => setTimeout(resolve, process.env['PICTURES'] === undefined ? 0 : 20_000));
  await picture(desk, 'dashboard-failover');
  await picture(phone, 'dashboard-phone');

  // No sideways scrolling on a phone, and dark where that is wished.
  const widths = await phone.evaluate('[document.documentElement.scrollWidth, window.innerWidth]');
  expect((widths as number[])[0]).toBeLessThanOrEqual((widths as number[])[1]);
  const colours = await Promise.all(
    [desk, phone].map((page) => page.evaluate('getComputedStyle(document.body).backgroundColor')),
  );
  expect(colours).toEqual(['rgb(243, 245, 248)', 'rgb(16, 21, 28)']);
  expect(problems).toEqual([]);
});

test('a server is drained and undrained by its button, but not by a page from elsewhere', async () => {
  await raise();
  const [, n2, n3] = cluster.hosts;
  const page = await open(n2.address, DESK);
  const button = page.locator(`[data-member="${n3.address}"] button`);
  await button.click();
  await textOf(page, 'said').toContain(`drain ${n3.address}: done`);
  await expect.poll(() => button.textContent(), { timeout: PATIENCE_MS }).toBe('Undrain');
  const { members } = (await n2.node.status()).ring;
  expect(members.find(({ address }) => address === n3.address)?.drain?.state).toBe('draining');
  await button.click();
  await expect.poll(() => button.textContent(), { timeout: PATIENCE_MS }).toBe('Drain');

  // A page that n3 serves asks n2: the browser sends it, with the password, and says where it comes from.
  const foreign = await open(n3.address, DESK);
  const drain = `fetch('http://${n2.address}:${PORT}/api/drain', { method: 'POST', mode: 'no-cors', credentials: 'include',
    headers: { 'content-type': 'text/plain' }, body: '{"addresses":["${n3.address}"]}' }).then(() => 'sent', () => 'kept back')`;
  expect(['sent', 'kept back']).toContain(await foreign.evaluate(drain));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect((await n2.node.status()).ring.members.some(({ drain }) => drain !== undefined)).toBe(false);
});
