import axe from 'axe-core';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { DEFAULTS } from '../../schemas/defaults.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { GvlResult } from '../../schemas/gvl.ts';
import type { LikelihoodResult } from '../../schemas/likelihood.ts';
import type { MethodName } from '../../schemas/method.ts';
import { chooseMethod } from '../../src/episode/method-options.ts';
import { ofTopreward } from '../support/answers.ts';
import type { Behaviour } from '../support/fake-vllm.ts';
import { needing } from '../support/needs.ts';
import { drawn, fakeVllmEngine, isAccessible, openPage, risingEngine, scored, startBrowser } from './support.ts';

t.setTimeout(120_000);
const needs = needing('chromium');
const browser = startBrowser(t);

/** Each field of the form that sets an option, with a value of this option. */
const OPTIONS: Record<string, Omit<Episode, 'instruction'>> = {
  threshold: { success: { threshold: -1 } },
  count: { prefixes: { count: 4 } },
  prompt: { prompt: 'chat' },
  pipeline: { pipeline: 'published' },
  control: { controls: { static: true } },
  'true-texts': { answers: { true_texts: [' Yes'] } },
  'false-texts': { answers: { false_texts: [' No'] } },
  'answer-reward': { answers: { reward: 'log_odds' } },
  'top-answers': { top_answers: 3 },
  'likelihood-reward': { likelihood: { reward: 'mean' } },
  'full-stop': { likelihood: { full_stop: true } },
  'gvl-count': { gvl: { count: 3 } },
  'gvl-seed': { gvl: { seed: 7 } },
  'gvl-format': { gvl: { format: 'structured' } },
  'gvl-tokens': { gvl: { max_tokens: 7 } },
};

/** A real minus sign, as the page writes numbers. */
const decimal = (value: number, digits = 3) => value.toFixed(digits).replace('-', '−');

async function openWithVllm(t: Test, behaviour: Partial<Behaviour> = {}, options: Parameters<typeof openPage>[2] = {}) {
  const [engine, fake] = await fakeVllmEngine(t, behaviour);
  const opened = await openPage(t, browser, { engine, ...options });
  await opened.page.locator('#gvl:enabled').waitFor({ state: 'attached' });
  return { ...opened, fake };
}

const choose = (page: Page, method: MethodName) => page.locator('#method').selectOption(method);

/** Cells of the table with all values. */
async function table(page: Page): Promise<string[][]> {
  await page.getByText('All values as a table').click();
  const rows = await page.locator('#rows tr').allInnerTexts();
  return rows.map((row) => row.split(/\s*\t\s*/));
}

function accepts(method: MethodName, option: object): boolean {
  try {
    chooseMethod({ instruction: 'Go.', method, ...option }, '');
    return true;
  } catch {
    return false;
  }
}

t.test('a method has the fields that the service accepts; the others are hidden, or say why not', needs, async (t) => {
  const { page, faults } = await openWithVllm(t);
  await page.getByText('More options').click();
  for (const method of ['instruction_likelihood', 'gvl', 'topreward'] as const) {
    await choose(page, method);
    for (const [field, option] of Object.entries(OPTIONS)) {
      const input = page.locator(`#${field}`);
      t.equal(await input.isEnabled(), accepts(method, option), `${method}, ${field}`);
      if ((await input.isEnabled()) || !(await input.isVisible())) continue;
      t.match(await page.locator(`#${field}-note`).innerText(), /^(Not with|Only with) /, `${method}, ${field}`);
    }
  }
  t.equal(await page.locator('#prompt-note').innerText(), 'open: the reference’s prompt', 'the usual note is back');
  t.strictSame(faults, []);
});

t.test('the fields of the page have the defaults of the service', needs, async (t) => {
  const { page } = await openPage(t, browser);
  const value = (field: string) => page.locator(`#${field}`).inputValue();
  t.equal(await value('method'), DEFAULTS.method);
  t.equal(await value('count'), String(DEFAULTS.prefix_count));
  t.equal(await value('prompt'), DEFAULTS.prompt);
  t.equal(await value('pipeline'), DEFAULTS.pipeline);
  t.equal(await value('answer-reward'), DEFAULTS.reward);
  t.equal(await value('likelihood-reward'), DEFAULTS.likelihood.reward);
  t.equal((await value('full-stop')) === 'yes', DEFAULTS.likelihood.full_stop);
  t.equal(await value('gvl-count'), String(DEFAULTS.gvl.count));
  t.equal(await value('gvl-seed'), String(DEFAULTS.gvl.seed));
  t.equal(await value('gvl-format'), DEFAULTS.gvl.format);
  t.equal(await value('gvl-tokens'), String(DEFAULTS.gvl.max_tokens));
});

t.test('GVL cannot be chosen if the service cannot use it, and the page says why', needs, async (t) => {
  const { page } = await openPage(t, browser);
  await page.getByText('GVL is not available: the engine of this service writes no text. It needs vLLM.').waitFor();
  t.equal(await page.locator('#gvl').isEnabled(), false);
  const [engine] = await fakeVllmEngine(t, { imageLimit: 0 });
  const { page: other } = await openPage(t, browser, { engine });
  await other.getByText('GVL is not available: vLLM was started without images.').waitFor();
  t.equal(await other.locator('#gvl').isEnabled(), false);
});

t.test('a profile of images is named, and the pipeline that it does not have cannot be chosen', needs, async (t) => {
  const [engine] = await fakeVllmEngine(t, {}, { MODEL_PROFILE: 'qwen3-vl-images' });
  const { page } = await openPage(t, browser, { engine });
  await page.getByText('published (not with qwen3-vl-images)').waitFor({ state: 'attached' });
  t.equal(await page.locator('#published').isEnabled(), false);
  await scored(page);
  await drawn(page);
  t.match(await page.locator('#provenance').innerText(), /Profile\s+qwen3-vl-images\n/);
});

t.test('the likelihood of the instruction is drawn as it is known, with the value of each token', needs, async (t) => {
  const { promise: until, resolve: go } = Promise.withResolvers<void>();
  const engine = risingEngine({ before: (query) => (query > 1 ? until : undefined) });
  const { page, faults } = await openPage(t, browser, { engine });
  await choose(page, 'instruction_likelihood');
  t.match(await page.locator('.explanation:visible').allInnerTexts(), [
    /log probability of the instruction is the sum over its tokens/,
  ]);
  const scoring = scored(page);
  await page.locator('#chart circle').first().waitFor();
  t.equal(await page.locator('#result').isVisible(), false, 'there is no result yet');
  go();
  const result = (await scoring) as LikelihoodResult;
  await drawn(page);
  t.equal(await page.locator('#chart circle').count(), 15);
  t.match(await page.locator('#chart').getAttribute('aria-label'), 'Log probability of the instruction over time, 15');
  const longest = result.prefixes.at(-1) as LikelihoodResult['prefixes'][number];
  t.match(
    await page.locator('#readout').innerText(),
    `Log probability of the instruction\n${decimal(longest.reward)} nats`,
  );
  t.match(await page.locator('#verdict').innerText(), 'The instruction likelihood has no threshold of its own.');
  const tokens = page.getByRole('list', { name: 'Log probability of each token' }).getByRole('listitem');
  t.strictSame(
    (await tokens.allInnerTexts()).map((token) => token.split('\n').slice(0, 2)),
    result.provenance.instruction_tokens.map(({ text }, i) => [
      text.replace(' ', '␣'),
      decimal(longest.without_full_stop.tokens[i] as number, 2),
    ]),
  );
  t.strictSame(
    (await table(page)).map((cells) => cells.slice(3, 7)),
    result.prefixes.map(({ without_full_stop, with_full_stop }) =>
      [without_full_stop, with_full_stop].flatMap(({ sum, mean }) => [decimal(sum), decimal(mean)]),
    ),
  );

  await page.locator('#likelihood-reward').selectOption('mean');
  await page.locator('#full-stop').selectOption('yes');
  await page.locator('#threshold').fill('-9');
  const { prefixes, provenance } = (await scored(page)) as LikelihoodResult;
  const last = prefixes.at(-1);
  t.match(
    await page.locator('#readout').innerText(),
    `Mean log probability of a token\n${decimal(last?.with_full_stop.mean as number)} nats`,
  );
  t.match(
    await page.locator('#scrub').getAttribute('aria-valuetext'),
    `mean log probability of a token ${decimal(last?.reward as number)}`,
  );
  t.match(await page.locator('#verdict').innerText(), /^Success\n/);
  t.equal(await tokens.count(), provenance.full_stop_tokens.length);
  t.strictSame(faults, []);
});

/** Frames 1 to 4 of the prompt have a percentage, a sentence, a number above 100, and nothing. */
const TEXT = 'Frame 1: 30%\nFrame 2: cannot be seen <b>here</b>\nFrame 3: 140%\nFrame 5: 70%';

t.test(
  'GVL has a point for each frame with a percentage, and a gap with its reason for each other',
  needs,
  async (t) => {
    const { page, faults, fake } = await openWithVllm(t, { text: TEXT });
    await choose(page, 'gvl');
    await page.locator('#gvl-count').fill('5');
    await page.locator('#gvl-seed').fill('3');
    const result = (await scored(page)) as GvlResult;
    await drawn(page);
    t.equal(fake.asked[0]?.images.length, 6, 'the initial scene and five frames');
    const order = result.provenance.order.map((frame) => frame + 1);
    t.equal(await page.locator('#chart circle').count(), 2);
    t.equal(await page.locator('#chart .gap').count(), 3);
    t.equal(
      await page.locator('#chart').getAttribute('aria-label'),
      `Task completion over time, 5 frames, 3 without a value: ${result.frames
        .flatMap(({ percentage }) => (percentage === null ? [] : [`${percentage}.000`]))
        .join(' at the start, ')} at the end`,
    );
    t.match(await page.locator('#verdict').innerText(), /^Incomplete\n3 of 5 frames have no percentage\. /);
    t.match(await page.locator('#numbers').innerText(), `VOC\n${decimal(result.voc as number, 2)}\n`);
    t.match(await page.locator('#provenance').innerText(), `Seed\n3\n`);
    t.match(await page.locator('#provenance').innerText(), `Frames in the order of the prompt\n${order.join(', ')}`);
    t.match(await page.locator('#strip-note').innerText(), '5 sent to the model (underlined)');
    const said: Record<string, string> = {
      1: '30 %',
      2: 'none: the text has no single percentage for it',
      3: 'none: the number is not between 0 and 100',
      4: 'none: the text does not name the frame',
      5: '70 %',
    };
    t.strictSame(
      (await table(page)).map(([frame, , shown, completion]) => [frame, shown, completion]),
      result.frames.map(({ frame, shown_as }) => [String(frame + 1), String(shown_as), said[shown_as]]),
    );
    const text = page.getByLabel('Text that the model wrote');
    t.equal(await text.isVisible(), false, 'the text is collapsed');
    await page.getByText('Text that the model wrote').click();
    t.equal(await text.innerText(), TEXT);

    await page.locator('#scrub').focus();
    await page.keyboard.press('Home');
    for (const { frame, shown_as } of result.frames) {
      t.match(await page.locator('#readout').innerText(), `Task completion\n${said[shown_as]}`);
      t.match(await page.locator('#scrub').getAttribute('aria-valuetext'), `task completion ${said[shown_as]}`);
      t.equal(await page.locator('#preview').getAttribute('alt'), `Frame ${frame + 1}`);
      await page.keyboard.press('ArrowRight');
    }
    await page.locator('#strip-frames li').first().click();
    t.match(await page.locator('#readout').innerText(), 'Frame 1: not sent to the model');
    t.strictSame(faults, []);
  },
);

t.test('the page says that the text of GVL was cut off, and shows a complete one', needs, async (t) => {
  const { page, faults, fake } = await openWithVllm(t, { text: '{"1": 10, "2": 20, "3": 30}' });
  await choose(page, 'gvl');
  await page.locator('#gvl-count').fill('3');
  await page.locator('#gvl-format').selectOption('structured');
  await page.locator('#gvl-tokens').fill('5');
  await scored(page);
  t.equal(fake.asked[0]?.written?.maxTokens, 5);
  t.ok(fake.asked[0]?.written?.format, 'the format is structured');
  t.match(await page.locator('#notes').innerText(), 'Set a higher limit under Most tokens');
  t.match(await page.locator('#readout').innerText(), 'none: the text is not the requested JSON');
  await page.locator('#gvl-tokens').fill('100');
  const { frames } = (await scored(page)) as GvlResult;
  t.match(await page.locator('#verdict').innerText(), /^Complete\nEvery frame has a percentage\./);
  t.equal(await page.locator('#notes').isVisible(), false);
  t.strictSame(
    (await table(page)).map((cells) => cells[3]),
    frames.map(({ percentage }) => `${percentage} %`),
  );
  t.strictSame(faults, []);
});

t.test('another method keeps the result until it is scored', needs, async (t) => {
  const { page, faults } = await openWithVllm(t);
  await scored(page);
  await choose(page, 'gvl');
  t.match(await page.locator('.explanation:visible').allInnerTexts(), [/asked whether the robot/]);
  t.equal(await page.getByText('The form has changed.').isVisible(), true);
  t.match(await page.locator('#command').innerText(), '"method":"gvl"');
  await scored(page);
  t.match(await page.locator('.explanation:visible').allInnerTexts(), [/single frames in random order/]);
  t.equal(await page.getByText('The form has changed.').isVisible(), false);
  t.strictSame(faults, []);
});

t.test('other answers, log odds and the most likely next tokens can be chosen', needs, async (t) => {
  const numbers = (share: number): [number, number] => [-1, -1 - 2 * share];
  const { page, faults } = await openPage(t, browser, {
    engine: risingEngine({ numbers }),
    settings: { SUCCESS_THRESHOLD: -1 },
  });
  await page.getByText('More options').click();
  await page.locator('#false-texts').fill(' No\n');
  await page.locator('#answer-reward').selectOption('log_odds');
  await page.locator('#top-answers').fill('1');
  await page.locator('#threshold').fill('1.5');
  const { provenance } = ofTopreward(await scored(page));
  t.strictSame(provenance.answers, { true_texts: [' True'], false_texts: [' No'], reward: 'log_odds' });
  t.match(await page.locator('#readout').innerText(), 'Log odds of True\n2.000 nats');
  t.match(await page.locator('#verdict').innerText(), /^Success\nThe score 1\.833 .* threshold 1\.500/);
  t.match(await page.locator('#provenance').innerText(), 'Texts for False\n" No"');
  const next = page.getByRole('table', { name: 'Most likely next tokens' }).getByRole('row');
  t.strictSame((await next.last().innerText()).split(/\s*\t\s*/), ['␣True', '3082', '−1.000', '37 %']);
  t.equal((await table(page)).at(-1)?.[3], '2.000');
  t.strictSame(faults, []);
});

t.test('an answer that the service refuses is marked, and names of options are shown as code', needs, async (t) => {
  const { page, faults } = await openPage(t, browser, {
    engine: risingEngine({ numbers: (share) => [-9 + share, -9] }),
  });
  await page.getByText('More options').click();
  await page.locator('#true-texts').fill(' False');
  await page.locator('#score').click();
  await page.getByRole('alert').waitFor();
  t.equal(await page.locator('#true-texts').getAttribute('aria-invalid'), 'true');
  t.notMatch(await page.getByRole('alert').innerText(), '`');
  await page.locator('#true-texts').fill(' Yes');
  await scored(page);
  t.match(await page.locator('#notes code').allInnerTexts(), ['answers', 'top_answers']);
  t.notMatch(await page.locator('#notes').innerText(), '`');
  t.strictSame(faults, []);
});

/** Texts that are cut off: those wider than their element, and those of the chart that leave it. */
const CUT = `(() => {
  const scrolls = (element) => element.closest('.scroll, .command, .hidden, textarea, option') !== null;
  const hasText = (element) => [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim() !== '');
  const wide = [...document.querySelectorAll('main :not(svg *)')].filter((element) =>
    element.clientWidth > 0 && element.scrollWidth > element.clientWidth && hasText(element) && !scrolls(element));
  const chart = document.querySelector('#chart').getBoundingClientRect();
  const out = [...document.querySelectorAll('#chart text')].filter((text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    return left < chart.left || right > chart.right || top < chart.top || bottom > chart.bottom;
  });
  return [...wide, ...out].map(({ outerHTML }) => outerHTML);
})()`;

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    t.test(
      `every method is accessible in ${colorScheme} mode at ${width} px, and no text is cut off`,
      needs,
      async (t) => {
        const context = { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' as const };
        const { page, faults } = await openWithVllm(t, { text: TEXT }, { context, script: axe.source });
        await page.getByText('More options').click();
        // Each prefix costs one request for each token of the instruction.
        await page.locator('#count').fill('4');
        for (const method of ['topreward', 'instruction_likelihood', 'gvl'] as const) {
          await choose(page, method);
          if (method === 'topreward') {
            await page.locator('#answer-reward').selectOption('normalised');
            await page.locator('#top-answers').fill('20');
          }
          await scored(page);
          await page.getByText('All values as a table').click();
          if (method === 'gvl') await page.getByText('Text that the model wrote').click();
          await drawn(page);
          await isAccessible(t, page, method);
          t.strictSame(await page.evaluate(CUT), [], method);
          t.equal(
            await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
            0,
          );
          await page.getByText('All values as a table').click();
        }
        t.strictSame(faults, []);
      },
    );
  }
}

t.test(
  'the button of a form that is taller than the screen can be reached in the middle of the page',
  needs,
  async (t) => {
    const viewport = { width: 1280, height: 800 };
    const { page } = await openPage(t, browser, { context: { viewport, reducedMotion: 'reduce' } });
    await scored(page);
    await page.getByText('All values as a table').click();
    await page.getByText('More options').click();
    await page.evaluate('window.scrollTo(0, 0)');
    const form = await page.locator('#form').boundingBox();
    const end = (form?.y ?? 0) + (form?.height ?? 0);
    t.ok(end > viewport.height, 'the form is taller than the screen');
    for (const beyond of [30, 200]) {
      await page.evaluate(`window.scrollTo(0, ${end - viewport.height + beyond})`);
      const button = await page.locator('#score').boundingBox();
      const bottom = (button?.y ?? 0) + (button?.height ?? 0);
      t.ok((button?.y ?? -1) >= 0 && bottom <= viewport.height, JSON.stringify({ beyond, button }));
    }
  },
);
