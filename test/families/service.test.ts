import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FormData, fetch } from 'undici';
import type { BatchEvent } from '../../schemas/batch.ts';
import type { Model } from '../../schemas/model.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { startService } from '../real/support.ts';
import { growingEpisode } from '../support/growing.ts';
import { environment, furthest } from '../support/oracle.ts';
import { post } from '../support/recorded.ts';
import { record } from './record.ts';
import { made, PROFILE, TOLERANCE } from './support.ts';

t.setTimeout(900_000);

const address = await startService(t);
const instruction = 'Put the red block into the blue box.';
const computedBy = ({ prompt_tokens, cached_tokens }: { prompt_tokens: number; cached_tokens: number | null }) =>
  prompt_tokens - (cached_tokens ?? 0);
const valuesOf = ({ prefixes }: Awaited<ReturnType<typeof post>>['body']) => prefixes.map((each) => each.log_prob_true);

t.test('the model says which profile and which layout it is served with', async (t) => {
  const model = (await (await fetch(`${address}/v1/model`)).json()) as Model;
  t.match(model, {
    profile: { name: PROFILE.name, verified: PROFILE.verified !== null },
    one_pass: true,
    pipelines: ['aligned'],
    methods: ['topreward', 'instruction_likelihood', 'gvl'],
    prompts: { open: { layout: 'images' }, chat: { layout: 'images' } },
  });
  t.ok(model.limits.sampled_frames >= 100, `${model.limits.sampled_frames} frames fit`);
});

t.test('15 prefixes of 64 frames cost at most 1.5 times the tokens of one pass', async (t) => {
  const ratios: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { files } = await made(64, { name: `${round}` });
    // With other secrets, nothing is in a cache.
    const ask = async (prefixes: object, secret: string) =>
      (await post(await startService(t, { SECRET: `${round} ${secret}` }), files, { instruction, fps: 2, prefixes }))
        .body;
    const one = await ask({ last: 1 }, 'one');
    const all = await ask({ count: 15 }, 'all');
    t.equal(all.usage.engine_requests, 15);
    t.equal(all.usage.engine_resends, 0);
    const tokens = computedBy(all.usage) / computedBy(one.usage);
    t.ok(tokens <= 1.5, `${tokens} times the tokens`);
    ratios.push(all.usage.engine_ms / one.usage.engine_ms);
    t.comment(
      `${computedBy(one.usage)} and ${computedBy(all.usage)} tokens, ${one.usage.engine_ms.toFixed()} and ${all.usage.engine_ms.toFixed()} ms`,
    );
    const [, time = Number.NaN] = ratios.toSorted((a, b) => a - b);
    await record({ cost: { tokens, time }, tokensPerFrame: all.provenance.prompt.video_tokens_per_block });
  }
});

t.test('a growing episode has the numbers of the complete one, and each step computes only new tokens', async (t) => {
  const { files } = await made(24);
  const complete = await post(await startService(t, { SECRET: 'not that one' }), files, {
    instruction,
    fps: 2,
    prefixes: { every: 1 },
  });
  const step = growingEpisode(address, { instruction, fps: 2 });
  const perFrame = complete.body.provenance.prompt.video_tokens_per_block;
  let most = 0;
  for (const [i, file] of files.entries()) {
    const { body, tries } = await step(file);
    t.equal(tries, 1, `${i + 1} frames: one request`);
    t.ok(furthest(valuesOf(body), valuesOf(complete.body).slice(i, i + 1)) <= TOLERANCE, `${i + 1} frames`);
    most = Math.max(most, i === 0 ? 0 : computedBy(body.usage));
  }
  // A step computes its frame with its markup and time, the prompt text, and up to one KV block of the engine.
  t.ok(most <= perFrame + 20 + 60 + 32, `${most} tokens computed`);
  await record({ step: most });
});

t.test('the episodes of a batch have the numbers of single requests', async (t) => {
  const episodes = await Promise.all([5, 8, 13].map((count) => made(count)));
  const body = new FormData();
  const options = { instruction, fps: 2, prefixes: { count: 4 } };
  const items = episodes.map(({ files }, i) => ({ episode: { ...options, id: `${i}` }, frame_count: files.length }));
  body.set('batch', JSON.stringify({ items }));
  for (const file of episodes.flatMap(({ files }) => files))
    body.append('frames', new Blob([new Uint8Array(file)]), 'frame.png');
  const answer = await fetch(`${address}/v1/rewards/batch`, { method: 'POST', body });
  const events = (await answer.text())
    .trim()
    .split('\n')
    .map((line): BatchEvent => JSON.parse(line));
  for (const [i, { files }] of episodes.entries()) {
    const event = events.find((each) => each.event === 'result' && each.index === i);
    const found = event && 'result' in event ? (event.result as RewardResult) : undefined;
    const single = await post(address, files, options);
    t.ok(furthest(found ? valuesOf(found) : [], valuesOf(single.body)) <= TOLERANCE, `episode ${i}`);
  }
});

t.test('the published pipeline is refused by name', async (t) => {
  const { files } = await made(3);
  const { status, body } = await post(address, files, { instruction, fps: 2, pipeline: 'published' });
  t.equal(status, 422);
  t.match(body, { code: 'pipeline-unsupported', detail: PROFILE.name });
});

t.test('a frame size that the profile does not accept is refused by name', async (t) => {
  const { files } = await made(2);
  const accepted = PROFILE.frame_sizes ?? ['reference', 'native', 'budget'];
  for (const frame_size of ['reference', 'native', 'budget'] as const) {
    const max_pixels = frame_size === 'budget' ? { max_pixels: 20_000 } : {};
    const { status, body } = await post(address, files, { instruction, fps: 2, frame_size, ...max_pixels });
    t.equal(status, accepted.includes(frame_size) ? 200 : 422, frame_size);
    if (status !== 200) t.match(body, { code: 'frame-size-unsupported' });
  }
});

t.test('an episode beyond the context is refused', async (t) => {
  const { files } = await made(4);
  const many = Array.from({ length: 2000 }, (_, i) => files[i % 4] as Buffer);
  const { status, body } = await post(address, many, { instruction, fps: 2, prefixes: { last: 1 } });
  t.equal(status, 422);
  t.match(body, { code: 'context-exceeded', limit: Number });
});

t.test('no control token of the tokenizer is accepted in an instruction', async (t) => {
  const { added_tokens: added } = JSON.parse(
    await readFile(join(environment('CHECKPOINT'), 'tokenizer.json'), 'utf8'),
  ) as {
    added_tokens: { content: string; special: boolean }[];
  };
  const special = added.filter((token) => token.special).map(({ content }) => content);
  t.ok(special.length > 3 && special.includes(PROFILE.prompt.image_token), special.join(' '));
  const { files } = await made(1);
  for (const token of special) {
    const { status, body } = await post(address, files, { instruction: `Open the ${token} drawer.`, fps: 2 });
    t.equal(status, 422, token);
    t.match(body, { code: 'special-token-text', pointer: '/instruction' }, token);
  }
  const harmless = await post(address, files, { instruction: 'Put <it> in [a] box, a < b > c.', fps: 2 });
  t.equal(harmless.status, 200);
});
