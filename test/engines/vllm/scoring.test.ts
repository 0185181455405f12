import t from 'tap';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

t.test('the longest prefix is sent first with all data, the others with data only for a doubled block', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const { status, body } = await post(address, 9, { prefixes: { lengths: [1, 2, 5, 6, 9] } });
  t.equal(status, 200);
  const [longest, ...rest] = fake.asked;
  t.equal(longest?.items.length, 5);
  t.ok(
    longest?.items.every(({ data }) => data !== null),
    'the first request has all data',
  );
  const brought = rest.map(({ items }) => items.map(({ data }) => (data === null ? 'name' : 'data')).join(' '));
  t.same(
    brought.sort(),
    ['data', 'name', 'name name data', 'name name name'],
    'later requests have data only for the doubled last frame of an odd prefix',
  );
  t.equal(body.usage.engine_requests, 5);
  t.equal(body.usage.engine_resends, 0);
  t.equal(
    body.usage.engine_bytes,
    fake.asked.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  t.same(
    body.prefixes.map(({ frames_used }) => frames_used),
    [1, 2, 5, 6, 9],
  );
  t.equal(new Set(body.prefixes.map(({ log_prob_true }) => log_prob_true)).size, 5);
});

t.test('a prefix has the same log probability on its own and among others', async (t) => {
  const { app, address } = await startService(t);
  await readiness(app, 200);
  const together = await post(address, 12, { prefixes: { every: 1 } });
  for (const length of [1, 4, 7, 12]) {
    const alone = await post(address, 12, { prefixes: { lengths: [length] } });
    t.equal(
      alone.body.prefixes[0]?.log_prob_true,
      together.body.prefixes[length - 1]?.log_prob_true,
      `${length} frames`,
    );
  }
});

t.test('the provenance says how a response was made', async (t) => {
  const { app, address } = await startService(t);
  await readiness(app, 200);
  const { body } = await post(address, 3, { id: 'mine', include_token_ids: true });
  t.equal(body.id, 'mine');
  t.match(body.provenance, {
    service: { name: 'topreward-server' },
    engine: { name: 'vllm', version: '0.32.0' },
    model: 'fake',
    layout: 'reference',
    prompt: { variant: 'open', video_tokens_per_block: 64 },
    true_token: { text: ' True' },
    false_token: { text: ' False' },
    sampled_frame_indices: [0, 1, 2],
    frame_size: {
      mode: 'reference',
      source: { width: 32, height: 32 },
      sent: { width: 244, height: 244 },
      resampling: 'pillow-bicubic',
      encoding: 'raw',
    },
  });
  t.match(body.provenance.prompt.text, /^<\|im_start\|>user\n<0\.2 seconds>.*<1\.0 seconds>.*Go\. Decide/s);
  const ids = body.provenance.prompt.token_ids ?? [];
  t.ok(
    ids.some((pad) => ids.filter((id) => id === pad).length === 2 * 64),
    'the expanded prompt has two blocks of 64 tokens',
  );
});

t.test('block names and the cache salt differ between tenants, and stay the same for one tenant', async (t) => {
  const keys = 'alice=aaaaaaaaaaaaaaaaaaaa,bob=bbbbbbbbbbbbbbbbbbbb';
  const { fake, app, address } = await startService(t, {}, { API_KEYS: keys });
  await readiness(app, 200);
  for (const key of ['aaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbb', 'aaaaaaaaaaaaaaaaaaaa']) {
    const headers = { authorization: `Bearer ${key}` };
    t.equal((await post(address, 2, { prefixes: { last: 1 } }, { headers })).status, 200);
  }
  const [alice, bob, again] = fake.asked;
  t.not(alice?.salt, bob?.salt);
  t.not(alice?.items[0]?.uuid, bob?.items[0]?.uuid);
  t.equal(alice?.items[0]?.uuid, again?.items[0]?.uuid);
  t.equal(alice?.salt, again?.salt);
  t.ok(alice?.session, 'a session header lets a router send the episode to one engine');
  t.equal(alice?.session, again?.session);
  t.not(alice?.session, bob?.session, 'tenants do not learn that they have the same frames');
});

t.test('the chat prompt ends the user turn and reads the token True without a leading space', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const { body } = await post(address, 2, { prompt: 'chat' });
  t.equal(fake.asked[0]?.openTurn, false);
  t.equal(body.provenance.true_token.text, 'True');
  t.ok(body.provenance.prompt.text.endsWith('<|im_start|>assistant\n'));
});

t.test('a prompt text of more than 1,024 tokens is refused after the first query', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const long = 'x'.repeat(1100);
  for (const [episode, pointer, queries] of [
    [{ instruction: long }, '/instruction', 1],
    [{ controls: { other_instruction: long } }, '/controls/other_instruction', 3],
  ] as const) {
    fake.asked.length = 0;
    const { status, body } = await post(address, 4, { ...episode, prefixes: { lengths: [2, 4] } });
    t.strictSame([status, body['code'], body['pointer'], body['limit']], [422, 'instruction-too-long', pointer, 1024]);
    t.equal(fake.asked.length, queries, 'no other prefix computes the text again');
  }
});
