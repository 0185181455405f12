import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { type Browser, type BrowserContextOptions, type Page, chromium as playwright } from 'playwright-core';
import type { Test } from 'tap';
import type { EpisodeResult } from '../../schemas/result.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createVllmEngine } from '../../src/engines/vllm/vllm.ts';
import { readFamily } from '../../src/families/read-family.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { buildTestApp, listen } from '../support/app.ts';
import { type Behaviour, type FakeVllm, startFakeVllm } from '../support/fake-vllm.ts';
import { chromium } from '../support/needs.ts';
import { type StubEngine, stubEngine } from '../support/stub-engine.ts';

/**
 * The browser of a test file. It starts when the first test needs it. If no browser is installed, all tests are skipped.
 * @param args additional arguments of Chromium
 */
export function startBrowser(t: Test, args: string[] = []): () => Promise<Browser> {
  let started: Promise<Browser> | undefined;
  t.teardown(async () => (await started)?.close());
  return () => {
    // Chromium's own sandbox does not start as root, and containers run as root.
    started ??= playwright.launch({ executablePath: chromium() as string, args: ['--no-sandbox', ...args] });
    return started;
  };
}

/** Log probability of True of the engine in these tests: it rises from −3 at the start to −0.5 for all frames. */
export const logProbOf = (share: number) => -3 + 2.5 * share;

export function risingEngine(options: Parameters<typeof stubEngine>[0] = {}): StubEngine {
  return stubEngine({ numbers: (share) => [logProbOf(share), -share], ...options });
}

/** The engine vLLM, with a fake server. The page must wait until it is ready. */
export async function fakeVllmEngine(
  t: Test,
  behaviour: Partial<Behaviour> = {},
  settings: Record<string, string> = {},
): Promise<[Engine, FakeVllm]> {
  const fake = await startFakeVllm(behaviour);
  t.teardown(() => fake.close());
  const config = loadConfig({ ENGINE_URL: fake.url, SECRET: 'secret', ...settings });
  const options = { family: await readFamily(config.MODEL_PROFILE), unreadyCheckMs: 20, readyCheckMs: 60_000 };
  return [createVllmEngine(config, pino({ level: 'silent' }), TOPREWARD, options), fake];
}

/** The page, opened on a service of its own. */
export interface Opened {
  page: Page;
  app: FastifyInstance;
  origin: string;
  /** Must stay empty: console errors, violations of the content security policy, requests to other sites. */
  faults: string[];
}

/** @param options.script runs in the page before the page's own scripts; its content security policy allows no other way */
export async function openPage(
  t: Test,
  browser: () => Promise<Browser>,
  {
    engine = risingEngine(),
    settings = {},
    context = {},
    script,
  }: {
    engine?: Engine;
    settings?: Record<string, string | number>;
    context?: BrowserContextOptions;
    script?: string;
  } = {},
): Promise<Opened> {
  const app = await buildTestApp(t, settings, engine);
  const origin = `http://127.0.0.1:${await listen(app)}`;
  const opened = await (await browser()).newContext({ viewport: { width: 1280, height: 900 }, ...context });
  t.teardown(() => opened.close());
  if (script) await opened.addInitScript(script);
  const page = await opened.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // The browser logs an error for every response with status 400 and above. The page shows these problems itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol !== 'blob:' && asked !== origin) faults.push(`request to ${request.url()}`);
  });
  await page.goto(origin);
  await page.locator('#score:enabled').waitFor();
  return { page, app, origin, faults };
}

/** Scores the episode on the page. @returns the result in the response to the page's own request */
export async function scored(page: Page): Promise<EpisodeResult> {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/v1/rewards')),
    page.locator('#score').click(),
  ]);
  await page.locator('#result').waitFor();
  const last = (await answer.text()).trimEnd().split('\n').at(-1) as string;
  return JSON.parse(last).result;
}

/** Checks the page against the rules of axe. The page must be opened with the script of axe. */
export async function isAccessible(t: Test, page: Page, what: string): Promise<void> {
  const found: { id: string; targets: string[] }[] = await page.evaluate(`(async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ target, failureSummary }) => target.join(' ') + ' ' + failureSummary) }));
  })()`);
  t.strictSame(found, [], what);
}

/** Waits until the page has drawn what it has scheduled: the curve is drawn with the next repaint of the screen. */
export async function drawn(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))');
}
