import sharp from 'sharp';
import t from 'tap';
import { gvlPixels } from '../../src/frames/gvl-pixels.ts';
import { createResampler } from '../../src/frames/resample.ts';
import { gvlOf } from '../support/gvl.ts';
import { GVL_NUMBERS } from '../support/gvl-numbers.ts';
import { post, recorded } from '../support/recorded.ts';
import { askTransformers, authorsTurn } from './generation.ts';
import { startService } from './support.ts';

t.setTimeout(900_000);

const TOKENS = 40;
const address = await startService(t);
const episodes = await Promise.all(['drawer-open-v3-success', 'drawer-open-v3-failure'].map(recorded));

async function score({ files, fps, instruction }: (typeof episodes)[number], gvl: object) {
  const options = { method: 'gvl', include_token_ids: true, instruction, fps, gvl };
  const { status, body } = await post(address, files, options);
  return gvlOf({ statusCode: status, body: JSON.stringify(body) });
}

/** The frames as the authors' processor resizes them: test/frames/gvl-pixels.test.ts compares these pixels with its own. */
async function resized(files: Buffer[]): Promise<Buffer[]> {
  const resampler = createResampler();
  return Promise.all(
    files.map(async (file) => {
      const { data: pixels, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const shown = gvlPixels(resampler, { pixels, from: info, check: () => {} }, 256);
      return sharp(shown, { raw: { width: 256, height: 256, channels: 3 } })
        .png()
        .toBuffer();
    }),
  );
}

t.test('prompts and texts equal those of transformers, token for token', async (t) => {
  const places = GVL_NUMBERS.permutations.find(({ seed, count }) => seed === 42 && count === 15)?.order ?? [];
  const cases = await Promise.all(
    episodes.map(async ({ files, instruction }, i) => {
      const even = Array.from({ length: 15 }, (_, k) => Math.floor(1 + (k * (files.length - 2)) / 14));
      const order = places.map((place) => even[place] ?? Number.NaN);
      return { name: `${i}`, files: await resized(files), order, parts: authorsTurn(instruction, order) };
    }),
  );
  const expected = await askTransformers(cases, TOKENS);
  for (const [i, episode] of episodes.entries()) {
    const known = expected.get(`${i}`);
    if (!known) throw new Error(`Transformers wrote nothing for episode ${i}.`);
    const { provenance, text, finish, usage } = await score(episode, { max_tokens: TOKENS });
    t.strictSame(provenance.order, cases[i]?.order, 'order');
    t.strictSame(provenance.prompt.token_ids, known.prompt_ids, 'token ids of the prompt');
    t.equal(usage.prompt_tokens, known.prompt_ids.length);
    t.ok(known.sure >= 20, `${known.sure} tokens are sure`);
    // The last token before a near tie may end within a character.
    t.ok(text.startsWith(known.text.replace(/\uFFFD+$/, '')), 'text up to the first near tie');
    t.strictSame([finish, usage.generated_tokens], ['length', TOKENS]);
    t.comment(`${usage.prompt_tokens} prompt tokens, ${known.sure} of ${known.tokens} tokens are sure`);
  }
});

t.test('a structured text has an integer for each of the 15 frames', async (t) => {
  for (const episode of episodes) {
    const { frames, complete, finish, text, usage, warnings } = await score(episode, { format: 'structured' });
    t.equal(finish, 'stop');
    t.equal(complete, true);
    t.strictSame(warnings, []);
    t.equal(frames.length, 15);
    for (const { frame, percentage } of frames)
      t.ok(
        Number.isInteger(percentage) && 0 <= Number(percentage) && Number(percentage) <= 100,
        `${frame}: ${percentage}`,
      );
    t.strictSame(
      Object.keys(JSON.parse(text)),
      Array.from({ length: 15 }, (_, i) => `${i + 1}`),
    );
    t.comment(`${usage.generated_tokens} tokens: ${text}`);
  }
});
