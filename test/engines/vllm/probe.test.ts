import t from 'tap';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

t.test('/v1/model describes a healthy engine', async (t) => {
  const { app } = await startService(t);
  await readiness(app, 200);
  t.match((await app.inject('/v1/model')).json(), {
    model: 'fake',
    engine: { name: 'vllm', version: '0.32.0' },
    prompts: { open: { layout: 'reference' }, chat: { layout: 'reference' } },
    one_pass: true,
    limits: { context_tokens: 32768, blocks: 600 },
  });
});

t.test('all queries of the probe have one session, so that a router sends them to one engine', async (t) => {
  const { app, fake } = await startService(t);
  await readiness(app, 200);
  const queries = fake.probed.filter(({ text }) => text !== '');
  t.ok(queries.length >= 3);
  const sessions = new Set(queries.map(({ session }) => session));
  t.equal(sessions.size, 1);
  t.notOk(sessions.has(undefined));
});

t.test('a prefix cache of large blocks is found by a longer prompt, which other engines do not get', async (t) => {
  for (const [cacheBlock, onePass, longest] of [
    [1, true, 4],
    [8, true, 32],
    [64, false, 32],
  ] as const) {
    const { app, fake } = await startService(t, { cacheBlock });
    await readiness(app, 200);
    t.equal((await app.inject('/v1/model')).json().one_pass, onePass, `blocks of ${cacheBlock}`);
    const queries = fake.probed.filter(({ text }) => text !== '');
    t.equal(Math.max(...queries.map(({ items }) => items.length)), longest);
  }
  const small = await startService(t, { cacheBlock: 8, itemLimit: 6 });
  await readiness(small.app, 200);
  t.equal((await small.app.inject('/v1/model')).json().one_pass, false, 'no more items than the engine accepts');
});

t.test('ENGINE_FRAME_SIDE sets the reference frame size', async (t) => {
  const { app, address } = await startService(t, {}, { ENGINE_FRAME_SIDE: '128' });
  await readiness(app, 200);
  const size = { width: 128, height: 128 };
  t.match((await app.inject('/v1/model')).json(), {
    reference_frame: size,
    frame_sizes: ['reference', 'native', 'budget'],
  });
  const { body } = await post(address, 4);
  t.match(body.provenance.frame_size, { mode: 'reference', sent: size, encoding: 'raw' });
});

t.test('a stock chat template is detected and used, and every response has a warning', async (t) => {
  const { app, address } = await startService(t, { layout: 'nested' });
  await readiness(app, 200);
  t.match((await app.inject('/v1/model')).json(), { prompts: { open: { layout: 'nested' } } });
  const { status, body } = await post(address, 4);
  t.equal(status, 200);
  t.equal(body.provenance.layout, 'nested');
  t.match(body.provenance.prompt.text, '<|vision_start|><0.2 seconds><|vision_start|>');
  t.match(body.warnings, [{ code: 'nested-layout' }]);
});

t.test('an engine that keeps no items gives the same numbers, and the response has a warning', async (t) => {
  const healthy = await startService(t);
  await readiness(healthy.app, 200);
  const forgetful = await startService(t, { keepsItems: false });
  await readiness(forgetful.app, 200);
  t.match((await forgetful.app.inject('/v1/model')).json(), { one_pass: false });
  const [one, two] = [await post(healthy.address, 6), await post(forgetful.address, 6)];
  t.same(two.body.prefixes, one.body.prefixes);
  t.match(
    two.body.warnings.map(({ code }) => code),
    ['no-sharing'],
  );
});

t.test('an engine that does not report cached tokens causes no warning about sharing', async (t) => {
  const { app, address } = await startService(t, {
    rewrite: ({ usage }) => {
      usage.prompt_tokens_details = null;
    },
  });
  await readiness(app, 200);
  t.equal((await app.inject('/v1/model')).json().one_pass, null);
  const { status, body } = await post(address, 6);
  t.equal(status, 200);
  t.equal(body.usage.cached_tokens, null);
  t.strictSame(body.warnings, []);
});

t.test('the probe finds the tokens of the answers, and episodes do not ask for them again', async (t) => {
  const { app, address, fake } = await startService(t);
  await readiness(app, 200);
  const asked = fake.requests.get('/tokenize') as number;
  for (const prompt of ['open', 'chat', 'open']) t.equal((await post(address, 4, { prompt })).status, 200);
  t.equal(fake.requests.get('/tokenize'), asked + 2, 'the two prompts');
});

t.test('an unsuitable engine is not ready, and the reason is one line', async (t) => {
  const cases: [string, Parameters<typeof startService>[1], RegExp][] = [
    ['an unknown layout of the prompt', { layout: 'strange' }, /--chat-template/],
    [
      'no log probabilities by token id',
      { rewrite: ({ choices }) => choices[0]?.logprobs.content[0]?.top_logprobs.splice(1) },
      /log probabilities/,
    ],
    [
      'a model that is not loaded: all tokens are equally likely',
      {
        rewrite: ({ choices }) => {
          const entry = choices[0]?.logprobs.content[0];
          for (const token of [entry, ...(entry?.top_logprobs ?? [])]) if (token) token.logprob = -11.93;
        },
      },
      /equally likely: the model is not loaded/,
    ],
    ['no token ids', { rewrite: (answer) => delete answer.prompt_token_ids }, /token ids/],
  ];
  for (const [name, behaviour, line] of cases) {
    const { app, address } = await startService(t, behaviour);
    const { reason } = await readiness(app, 503);
    t.match(reason, line, name);
    t.notMatch(reason, '\n');
    const { status, body, headers } = await post(address, 2);
    t.equal(status, 503, name);
    t.equal(body['code'], 'engine-unavailable');
    t.ok(headers.get('retry-after'));
  }
});

t.test('an engine that does not serve ENGINE_MODEL is not ready', async (t) => {
  const { app } = await startService(t, {}, { ENGINE_MODEL: 'other' });
  t.match((await readiness(app, 503)).reason, /does not serve the model other/);
});

t.test('an engine that becomes usable later is found', async (t) => {
  const { app, fake } = await startService(t, { layout: 'strange' });
  await readiness(app, 503);
  fake.behaviour.layout = 'reference';
  await readiness(app, 200);
});

t.test('an engine that is down or goes down is reported as not ready', async (t) => {
  const { app, fake, address } = await startService(t);
  await readiness(app, 200);
  await fake.close();
  const { status, headers, body } = await post(address, 2);
  t.equal(status, 503);
  t.equal(body['code'], 'engine-unavailable');
  t.ok(headers.get('retry-after'));
  t.match((await readiness(app, 503)).reason, /cannot be reached|stopped responding/);
  const never = await startService(t, {}, { ENGINE_URL: fake.url });
  t.match((await readiness(never.app, 503)).reason, /cannot be reached/);
  t.equal((await never.app.inject('/health/live')).statusCode, 200, 'the service itself is live');
});

t.test('GET /v1/model says how many engines there are, and another header names the session', async (t) => {
  const settings = { ENGINE_REPLICAS: '3', ENGINE_SESSION_HEADER: 'X-Dynamo-Session-Id' };
  const { fake, app, address } = await startService(t, {}, settings);
  await readiness(app, 200);
  t.match((await app.inject('/v1/model')).json(), { engine_replicas: 3, service: { name: 'topreward-server' } });
  await post(address, 4);
  for (const { session, headers } of [...fake.probed, ...fake.asked]) {
    t.equal(session, undefined);
    t.match(headers['x-dynamo-session-id'], /^[0-9a-f]{40}$/);
  }
});
