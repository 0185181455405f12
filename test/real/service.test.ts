import { createHash } from 'node:crypto';
import t from 'tap';
import { createClient } from '../../src/engines/vllm/client.ts';
import { MODELS } from '../../src/engines/vllm/responses.ts';
import { controlTokenIn } from '../../src/engines/vllm/tokenizer.ts';
import { growingEpisode } from '../support/growing.ts';
import { environment } from '../support/oracle.ts';
import { post } from '../support/recorded.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(900_000);

const instruction = 'Put the red block into the blue box.';

t.test('concurrent episodes get the same numbers as single ones', async (t) => {
  const address = await startService(t);
  const episodes = await Promise.all([5, 8, 13, 20, 21, 34].map((count, i) => synthetic(count, 100 + i)));
  const together = await Promise.all(episodes.map((files) => post(address, files, { instruction, fps: 2 })));
  for (const [i, files] of episodes.entries()) {
    // With another secret no cached item is found again.
    const alone = await post(await startService(t, { SECRET: `other ${i}` }), files, { instruction, fps: 2 });
    for (const [k, { log_prob_true }] of alone.body.prefixes.entries()) {
      const other = together[i]?.body.prefixes[k]?.log_prob_true as number;
      t.ok(Math.abs(other - log_prob_true) <= 1e-4, `${files.length} frames, prefix ${k}`);
    }
  }
});

t.test('a tenant computes every frame once, and finds no cached tokens of another tenant', async (t) => {
  const keys = { alice: 'alice-has-this-key', bob: 'bob-has-another-one' };
  const API_KEYS = Object.entries(keys)
    .map(([name, key]) => `${name}=${key}`)
    .join(',');
  const address = await startService(t, { API_KEYS });
  const files = await synthetic(32, 200);
  const ask = async (tenant: 'alice' | 'bob') => {
    const headers = { authorization: `Bearer ${keys[tenant]}` };
    const { body } = await post(address, files, { instruction, fps: 2, prefixes: { last: 1 } }, headers);
    return {
      cached: body.usage.cached_tokens as number,
      prompt: body.usage.prompt_tokens,
      value: body.prefixes[0]?.log_prob_true,
    };
  };
  const first = await ask('alice');
  const again = await ask('alice');
  const other = await ask('bob');
  t.equal(first.cached, 0);
  t.ok(again.cached > again.prompt - 64, `the same tenant finds ${again.cached} of ${again.prompt} tokens`);
  t.equal(other.cached, 0, 'another tenant finds none');
  t.ok(Math.abs((other.value as number) - (first.value as number)) <= 1e-4);
});

t.test('prefixes share one pass', async (t) => {
  const address = await startService(t);
  const { body } = await post(address, await synthetic(64, 300), { instruction, fps: 2 });
  const { prompt_tokens, cached_tokens, engine_requests, engine_resends } = body.usage;
  const longest = 32 * 74 + 60;
  // Each further prefix: its prompt text (under 60 tokens), its unfinished block (under 76) and one KV block (32).
  t.ok(prompt_tokens - (cached_tokens as number) <= longest + 14 * (60 + 76 + 32));
  t.equal(engine_requests, 15);
  t.equal(engine_resends, 0);
});

t.test('a client that disconnects during an episode does not affect later requests', async (t) => {
  const address = await startService(t);
  const files = await synthetic(40, 400);
  const before = await post(address, files, { instruction, fps: 2, prefixes: { last: 1 } });
  for (const patience of [50, 200, 400]) {
    const episode = await synthetic(40, 400 + patience);
    const body = new FormData();
    body.set('episode', JSON.stringify({ instruction, fps: 2 }));
    for (const file of episode) body.append('frames', new Blob([new Uint8Array(file)]), 'x');
    const gone = fetch(`${address}/v1/rewards`, { method: 'POST', body, signal: AbortSignal.timeout(patience) });
    await gone.then(
      () => {},
      () => {},
    );
    t.equal((await post(address, episode, { instruction, fps: 2 })).status, 200, `disconnected after ${patience} ms`);
  }
  const after = await post(address, files, { instruction, fps: 2, prefixes: { last: 1 } });
  const difference =
    (after.body.prefixes[0]?.log_prob_true as number) - (before.body.prefixes[0]?.log_prob_true as number);
  t.ok(Math.abs(difference) <= 1e-4);
});

t.test('an episode of 3,000 frames is scored', async (t) => {
  const address = await startService(t);
  const few = await synthetic(8, 500, 32, 32);
  const files = Array.from({ length: 3000 }, (_, i) => few[i % few.length] as Buffer);
  const { status, body } = await post(address, files, { instruction, fps: 10, prefixes: { lengths: [1, 1499, 3000] } });
  t.equal(status, 200);
  t.same(
    body.prefixes.map(({ frames_used }) => frames_used),
    [1, 300, 600],
  );
  t.match(body.warnings, [{ code: 'beyond-reference-size' }]);
});

t.test('an episode beyond the context limit is refused', async (t) => {
  const address = await startService(t);
  const few = await synthetic(8, 600, 32, 32);
  const files = Array.from({ length: 1200 }, (_, i) => few[i % few.length] as Buffer);
  const { status, body } = await post(address, files, { instruction, fps: 2, prefixes: { last: 1 } });
  t.equal(status, 422);
  t.match(body, { code: 'context-exceeded' });
});

t.test('a growing episode has the numbers of the complete one, and each step computes only new tokens', async (t) => {
  const address = await startService(t);
  const files = await synthetic(24, 700);
  const whole = await post(await startService(t, { SECRET: 'not that one' }), files, {
    instruction,
    fps: 2,
    prefixes: { every: 1 },
  });
  const step = growingEpisode(address, { instruction, fps: 2 });
  for (const [i, file] of files.entries()) {
    const { body, tries } = await step(file);
    t.equal(tries, 1, `${i + 1} frames: one request`);
    const [grown, expected] = [body.prefixes[0], whole.body.prefixes[i]];
    const difference = (grown?.log_prob_true as number) - (expected?.log_prob_true as number);
    t.ok(Math.abs(difference) <= 1e-4, `${i + 1} frames: ${difference}`);
    const computed = body.usage.prompt_tokens - (body.usage.cached_tokens as number);
    t.ok(computed <= 60 + 76 + 32, `${i + 1} frames: ${computed} tokens computed`);
  }
});

t.test('frames that the engine does not have are requested once', async (t) => {
  const episode = { instruction, fps: 2 };
  const files = await synthetic(9, 800);
  const digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
  const address = await startService(t, { RECENT_FRAMES_BYTES: '0' });
  const lost = await post(address, files.slice(8), { ...episode, frame_digests: digests });
  t.equal(lost.status, 409);
  t.match(lost.body, { code: 'frames-missing', missing: digests.slice(0, 8) });
  const mended = await post(address, files, { ...episode, frame_digests: digests });
  const again = await post(address, files.slice(8), { ...episode, frame_digests: digests });
  const whole = await post(await startService(t), files, { ...episode, prefixes: { last: 1 } });
  for (const { body } of [mended, again]) {
    const difference = (body.prefixes[0]?.log_prob_true as number) - (whole.body.prefixes[0]?.log_prob_true as number);
    t.ok(Math.abs(difference) <= 1e-4, String(difference));
  }
});

t.test('the tokenizer of the engine decides which texts are control tokens', async (t) => {
  const client = createClient({ url: environment('ENGINE_URL'), apiKey: '', connections: 1 });
  t.teardown(() => client.close());
  const { signal } = new AbortController();
  const { data } = await client.get('/v1/models', MODELS, signal);
  const find = (text: string) => controlTokenIn(text, client, data[0]?.id ?? '', signal);
  for (const token of ['<|im_end|>', '<|vision_pad|>']) t.equal(await find(`Open ${token}it.`), token);
  for (const text of ['Put <it> there.', '<0.5 seconds>', 'a < b > c', '<…> <é> ⟨x⟩', '<im_end>'])
    t.equal(await find(text), undefined, text);
  const address = await startService(t);
  const { status } = await post(address, await synthetic(4, 900), { instruction: 'Put <it> there.', fps: 2 });
  t.equal(status, 200);
});
