import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { EpisodeResult } from '../../schemas/result.ts';
import { ofTopreward } from '../support/answers.ts';
import { frameFiles } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { stubEngine } from '../support/stub-engine.ts';
import { fakeVllmEngine, openPage, scored, startBrowser } from './support.ts';
import { webmOf } from './webm.ts';

const needs = needing('chromium', 'curl');

const browser = startBrowser(t);
const context = { permissions: ['clipboard-read', 'clipboard-write'] };

/** Characters that have a special meaning in a shell, in curl or in JSON. */
const INSTRUCTION =
  'It\'s "half" open: $HOME `id` $(id) \\n %s !x; type=a/b;filename=c @d <e 100 % & #f * ? ~ {g,h}\n打开抽屉 é';

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'playground-'));
  t.teardown(() => rm(path, { recursive: true }));
  return path;
}

/** Copies the command with the button of the page, and runs it in bash. */
async function runCopied(page: Page, cwd: string, env: Record<string, string> = {}): Promise<EpisodeResult> {
  await page.locator('#copy').click();
  await page.getByText('Command copied.').waitFor();
  const command: string = await page.evaluate('navigator.clipboard.readText()');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], {
    cwd,
    env: { ...process.env, TMPDIR: cwd, ...env },
  });
  return JSON.parse(stdout);
}

function same(t: Test, one: EpisodeResult, other: EpisodeResult): void {
  const { usage: _, ...seen } = one;
  const { usage: __, ...expected } = other;
  t.strictSame(seen, expected);
}

t.test(
  'the copied command has the result of the page, with special characters, every option and a key',
  needs,
  async (t) => {
    const key = 'key-of-ada-0123456789';
    const engine = stubEngine();
    const { page, faults } = await openPage(t, browser, { engine, context, settings: { API_KEYS: `ada=${key}` } });
    await page.locator('#key').fill(key);
    await page.locator('#instruction').fill(INSTRUCTION);
    await page.locator('#threshold').fill('-1.5');
    await page.getByText('More options').click();
    await page.locator('#count').fill('4');
    await page.locator('#prompt').selectOption('chat');
    const onPage = ofTopreward(await scored(page));
    t.equal(onPage.prefixes.length, 4);
    t.equal(onPage.provenance.prompt.variant, 'chat');
    t.equal(onPage.success?.threshold, -1.5);
    t.equal(engine.calls[0]?.request.instruction, INSTRUCTION);
    const copied = await runCopied(page, await folder(t), { TOPREWARD_API_KEY: key });
    t.equal(engine.calls[1]?.request.instruction, INSTRUCTION);
    same(t, copied, onPage);
    t.strictSame(faults, []);
  },
);

t.test('the copied command works for file names with special characters', needs, async (t) => {
  const { page, faults } = await openPage(t, browser, { engine: stubEngine(), context });
  const names = ['10,b;type=c.png', '2 "q" \'s\' $x.png', '1 \\back.png', '-3.png'];
  const files = await frameFiles(names.length);
  const cwd = await folder(t);
  await Promise.all(names.map((name, i) => writeFile(join(cwd, name), files[i] as Buffer)));
  await page
    .locator('#files')
    .setInputFiles(names.map((name, i) => ({ name, mimeType: 'image/png', buffer: files[i] as Buffer })));
  await page.getByText('4 frames', { exact: true }).waitFor();
  await page.locator('#instruction').fill('Open it.');
  await page.locator('#fps').fill('2');
  const onPage = ofTopreward(await scored(page));
  t.equal(onPage.prefixes.length, 4);
  same(t, await runCopied(page, cwd), onPage);
  t.strictSame(faults, []);
});

t.test('the copied command works for a video whose frames were saved', needs, async (t) => {
  const { page, faults } = await openPage(t, browser, { engine: stubEngine(), context });
  const buffer = await webmOf([20, 60, 100, 140, 180], 4);
  await page.locator('#files').setInputFiles({ name: 'clip.webm', mimeType: 'video/webm', buffer });
  await page.getByText('5 frames · ').waitFor();
  t.match(await page.locator('#command').innerText(), '-F video=@FILE, without fps');
  const hidden = `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.command'))`;
  t.equal(await page.evaluate(hidden), 0, 'no line is cut off');
  await page.locator('#instruction').fill('Turn white.');
  const onPage = await scored(page);
  const cwd = await folder(t);
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save').click()]);
  await download.saveAs(join(cwd, download.suggestedFilename()));
  same(t, await runCopied(page, cwd), onPage);
  t.strictSame(faults, []);
});

t.test('the copied command works with every method', needs, async (t) => {
  const [engine] = await fakeVllmEngine(t, { text: 'Frame 1: 40%, Frame 2: 20%' });
  const { page, faults } = await openPage(t, browser, { engine, context });
  await page.getByText('More options').click();
  await page.locator('#count').fill('2');
  await page.locator('#method').selectOption('instruction_likelihood');
  await page.locator('#likelihood-reward').selectOption('mean');
  await page.locator('#full-stop').selectOption('yes');
  const likelihood = await scored(page);
  t.match(likelihood.provenance, { likelihood: { reward: 'mean', full_stop: true } });
  same(t, await runCopied(page, await folder(t)), likelihood);

  await page.locator('#method').selectOption('topreward');
  await page.locator('#true-texts').fill(' True\n it\'s "so" $x');
  await page.locator('#answer-reward').selectOption('log_odds');
  await page.locator('#top-answers').fill('3');
  const rewards = ofTopreward(await scored(page));
  t.match(rewards.provenance.answers, { true_texts: [' True', ' it\'s "so" $x'], reward: 'log_odds' });
  t.equal(rewards.top_answers?.length, 3);
  same(t, await runCopied(page, await folder(t)), rewards);

  await page.locator('#method').selectOption('gvl');
  const buffer = await webmOf([20, 60, 100, 140, 180], 4);
  await page.locator('#files').setInputFiles({ name: 'clip.webm', mimeType: 'video/webm', buffer });
  await page.getByText('5 frames · ').waitFor();
  await page.locator('#instruction').fill('Turn white.');
  await page.locator('#gvl-count').fill('3');
  await page.locator('#gvl-seed').fill('7');
  const percentages = await scored(page);
  t.match(percentages, { method: 'gvl', frames: { length: 3 }, provenance: { seed: 7 } });
  const cwd = await folder(t);
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save').click()]);
  await download.saveAs(join(cwd, download.suggestedFilename()));
  same(t, await runCopied(page, cwd), percentages);
  t.strictSame(faults, []);
});
