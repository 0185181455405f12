import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Behaviour } from '../../support/fake-vllm.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

/** Starts the service with a changed copy of the profile qwen3-vl-images. */
async function startWith(t: Test, change: object, behaviour: Partial<Behaviour> = {}) {
  const known = await readFile(new URL('../../../models/profiles/qwen3-vl-images.json', import.meta.url), 'utf8');
  const file = join(t.testdir(), 'mine.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(known), name: 'mine', ...change }));
  const service = await startService(t, behaviour, { MODEL_PROFILE: file });
  await readiness(service.app, 200);
  return service;
}

t.test('each method warns about a profile that nobody compared, and only about such a one', async (t) => {
  for (const [verified, codes] of [
    [null, ['profile-unverified']],
    ['Compared by hand.', []],
  ] as const) {
    const { app, address } = await startWith(t, { verified });
    t.match((await app.inject('/v1/model')).json().profile, { name: 'mine', verified: verified !== null });
    for (const method of ['topreward', 'instruction_likelihood', 'gvl']) {
      const { status, body } = await post(address, 4, { method });
      t.equal(status, 200, method);
      t.match(body.provenance.profile, { name: 'mine', verified: verified !== null }, method);
      const found = body.warnings.filter(({ code }) => code.startsWith('profile'));
      t.strictSame(
        found.map(({ code }) => code),
        codes,
        method,
      );
      if (found[0]) t.match(found[0].message, 'the profile mine');
    }
  }
});

t.test('the statement of a profile is what the model is asked', async (t) => {
  const { fake, address } = await startWith(t, { statement: 'It shows: {instruction} Right?' });
  const { body } = await post(address, 2, { instruction: 'Open it.', controls: { other_instruction: 'Close it.' } });
  t.match(body.provenance.prompt.text, /It shows: Open it\. Right\?$/);
  t.strictSame([...new Set(fake.asked.map(({ turn }) => turn.at(-1)))].sort(), [
    'It shows: Close it. Right?',
    'It shows: Open it. Right?',
  ]);
});

t.test('a frame size that the profile does not accept is refused before anything is sent', async (t) => {
  const { app, fake, address } = await startWith(t, { frame_sizes: ['reference'] });
  t.strictSame((await app.inject('/v1/model')).json().frame_sizes, ['reference']);
  for (const options of [{ frame_size: 'native' }, { frame_size: 'budget', max_pixels: 1024 }]) {
    const { status, body } = await post(address, 2, options);
    t.equal(status, 422);
    t.match(body, { code: 'frame-size-unsupported', pointer: '/frame_size' });
  }
  t.strictSame(fake.asked, []);
});

t.test('a refused frame size is told those that the profile accepts', async (t) => {
  for (const [frame_sizes, accepted] of [
    [['reference'], /Send `reference`, which resizes every frame to 244×244 px\.$/],
    [['reference', 'native'], /resizes every frame to 244×244 px, or `native`\.$/],
  ] as const) {
    const { address } = await startWith(t, { frame_sizes });
    const { body } = await post(address, 2, { frame_size: 'budget', max_pixels: 1024 });
    t.match(body, { code: 'frame-size-unsupported', detail: /^This model does not accept `frame_size: "budget"`/ });
    t.match(body['detail'], accepted);
  }
});

t.test('GVL counts the tokens of its images as the engine does', async (t) => {
  const gvl = { count: 6, max_tokens: 300 };
  const { address } = await startWith(t, {});
  const { body } = await post(address, 8, { method: 'gvl', gvl });
  const { prompt_tokens: prompt } = body.usage;
  const tight = await startWith(t, {}, { contextTokens: prompt + 50 });
  t.equal((await post(tight.address, 8, { method: 'gvl', gvl })).status, 200);
  t.equal(tight.fake.asked[0]?.written?.maxTokens, 50, 'the rest of the context');
  const full = await startWith(t, {}, { contextTokens: prompt });
  t.match((await post(full.address, 8, { method: 'gvl', gvl })).body, { code: 'context-exceeded', limit: 6 });
  t.strictSame(full.fake.asked, [], 'nothing is sent');
});
