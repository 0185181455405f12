import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fetch } from 'undici';
import { describeModel, postEpisode, startServer } from '../../support/server.ts';
import { MODEL_DIR } from './support.ts';

/** A service without a cache, so that a repeated request is computed again. */
const { address } = await startServer(t, { EMBEDDED_CACHE_BYTES: '0' });

/** While the service scores, it must respond to health checks within this time. */
const PROMPT_MS = 50;

t.test('health checks respond quickly while a long episode is scored', async (t) => {
  const { limits } = await describeModel(address);
  const frames = Math.min(300, limits.sampled_frames - 80);
  const latencies: number[] = [];
  const statuses = new Set<number>();
  let scoring = true;
  const scored = postEpisode(address, frames).finally(() => {
    scoring = false;
  });
  while (scoring) {
    const started = performance.now();
    statuses.add((await fetch(`${address}/health/live`)).status);
    latencies.push(performance.now() - started);
  }
  t.same([...statuses], [200]);
  const { status, body } = await scored;
  t.equal(status, 200);
  t.ok(body.usage.engine_ms > 10 * PROMPT_MS, `the model took ${body.usage.engine_ms} ms`);
  // On a machine with too few cores a single response may be slow. A blocked event loop would make all of them slow.
  const slow = latencies.filter((ms) => ms > PROMPT_MS).length;
  t.ok(slow <= latencies.length / 20, `${slow} of ${latencies.length} took over ${PROMPT_MS} ms`);
  t.comment(`slowest of ${latencies.length}: ${Math.max(...latencies).toFixed(1)} ms`);
});

t.test('concurrent episodes get the same numbers as single ones', async (t) => {
  const seeds = [1, 2, 3, 4, 5, 6, 7];
  const together = await Promise.all(seeds.map((seed) => postEpisode(address, 9 + seed, {}, { seed })));
  for (const [i, seed] of seeds.entries()) {
    const alone = await postEpisode(address, 9 + seed, {}, { seed });
    t.equal(alone.status, 200);
    for (const [k, { log_prob_true }] of alone.body.prefixes.entries()) {
      const other = together[i]?.body.prefixes[k]?.log_prob_true as number;
      t.ok(Math.abs(other - log_prob_true) <= 1e-4, `episode ${i}, prefix ${k}`);
    }
  }
});

t.test('a growing episode finds its cached blocks, and another tenant does not', async (t) => {
  const keys = { alice: 'alice-has-this-key', bob: 'bob-has-another-one' };
  const API_KEYS = Object.entries(keys).map(([name, key]) => `${name}=${key}`);
  const { address } = await startServer(t, { API_KEYS: API_KEYS.join(',') });
  const ask = async (tenant: 'alice' | 'bob', frames: number) => {
    const headers = { authorization: `Bearer ${keys[tenant]}` };
    const { body } = await postEpisode(address, frames, { prefixes: { last: 1 } }, { headers });
    return { computed: body.usage.prompt_tokens - (body.usage.cached_tokens as number), ...body.usage };
  };
  const first = await ask('alice', 20);
  t.equal(first.cached_tokens, 0);
  const grown = await ask('alice', 22);
  t.ok(grown.computed < first.computed / 2, `${grown.computed} tokens instead of ${first.computed}`);
  t.equal((await ask('bob', 22)).cached_tokens, 0);
});

t.test('the problem for an unsupported request says what to do', async (t) => {
  const { limits, reference_frame: frame, frame_sizes } = await describeModel(address);
  t.same(frame_sizes, ['reference']);
  for (const frame_size of ['native', 'budget']) {
    const max_pixels = frame_size === 'budget' ? 20_000 : undefined;
    const { status, body } = await postEpisode(address, 2, { frame_size, max_pixels });
    t.equal(status, 422);
    t.match(body, { code: 'frame-size-unsupported', pointer: '/frame_size', detail: `${frame.width}×${frame.height}` });
  }
  const long = await postEpisode(address, limits.sampled_frames + 40, { prefixes: { last: 1 } });
  t.equal(long.status, 422);
  t.match(long.body, { code: 'context-exceeded' });
  const fitting = long.body['limit'] as number;
  const { sampled_frames: about } = limits;
  t.ok(fitting >= about && fitting < 1.05 * about, `${fitting} frames fit; /v1/model reports about ${about}`);
  const fit = await postEpisode(address, fitting, { prefixes: { last: 1 } });
  t.equal(fit.status, 200, 'an episode at the limit is scored');
  t.ok(fit.body.usage.prompt_tokens <= limits.context_tokens);
});

t.test('an instruction of too many tokens is refused before the model receives it', async (t) => {
  const { status, body } = await postEpisode(address, 4, { instruction: '🤖'.repeat(1_700), prefixes: { every: 1 } });
  t.equal(status, 422);
  t.match(body, { code: 'instruction-too-long', pointer: '/instruction', limit: 1024 });
  const long = await postEpisode(address, 4, { instruction: 'Open the drawer. '.repeat(200) });
  t.equal(long.status, 200, '200 sentences are accepted');
});

t.test('the provenance names the model and the frame size, and says that frames were sent as RGB', async (t) => {
  const { model, about, reference_frame } = await describeModel(address);
  const { body } = await postEpisode(address, 5, { include_token_ids: true });
  t.match(body.provenance, {
    model,
    about,
    engine: { name: 'onnxruntime' },
    layout: 'reference',
    frame_size: { mode: 'reference', sent: reference_frame, resampling: 'pillow-bicubic', encoding: 'rgb' },
  });
  const pads = body.provenance.prompt.video_tokens_per_block;
  const counts = new Map<number, number>();
  for (const id of body.provenance.prompt.token_ids ?? []) counts.set(id, (counts.get(id) ?? 0) + 1);
  t.equal(Math.max(...counts.values()), 3 * pads, 'three blocks of video tokens');
});

/** Makes a copy of the model with another `domain` in its profile. */
async function withDomain(t: Test, domain: object | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const name of await readdir(MODEL_DIR))
    if (name !== 'profile.json') await symlink(join(MODEL_DIR, name), join(folder, name));
  const profile = JSON.parse(await readFile(join(MODEL_DIR, 'profile.json'), 'utf8')) as object;
  await writeFile(join(folder, 'profile.json'), JSON.stringify({ ...profile, domain }));
  return folder;
}

t.test('a request outside the training data gets warnings', async (t) => {
  const picture = { side: 2, mean: Array(12).fill(250), distance: 5 };
  const taught = { words: ['open', 'the'], picture, blocks: 2 };
  const codes = async (domain: object | null) => {
    const { address } = await startServer(t, { MODEL_DIR: await withDomain(t, domain) });
    const { status, body } = await postEpisode(address, 9);
    t.equal(status, 200);
    return body.warnings.filter(({ code }) => /^(unfamiliar|beyond-training)/.test(code));
  };
  t.match(await codes(taught), [
    { code: 'unfamiliar-words', message: /: drawer\.$/ },
    { code: 'unfamiliar-frames' },
    { code: 'beyond-training-length', message: /10 frames.* 4\./ },
  ]);
  t.same(await codes(null), [], 'a model without a domain in its profile causes no warnings');
});
