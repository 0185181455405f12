import t from 'tap';
import type { Answer } from '../../support/fake-vllm.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

const WORDS = [' Yes', ' No', 'Done'];

t.test('one query per prefix reads all tokens of both sets, and the sets are their sums', async (t) => {
  const { fake, app, address } = await startService(t, { addedTokens: WORDS });
  await readiness(app, 200);
  const read: Answer[] = [];
  fake.behaviour.rewrite = (answer) => void read.push(structuredClone(answer));
  const answers = { true_texts: [' True', ' Yes', 'Done'], false_texts: [' No'] };
  const { status, body } = await post(address, 4, { answers, prefixes: { lengths: [2, 4] } });
  t.equal(status, 200, JSON.stringify(body));
  t.equal(body.usage.engine_requests, 2);
  const ids = (texts: RewardTokens) => texts.flatMap((each) => each.ids);
  const { true_tokens, false_tokens } = body.provenance;
  t.equal(new Set([...ids(true_tokens), ...ids(false_tokens)]).size, 4);
  const expected = read.map(({ choices }) => {
    const found = new Map(choices[0]?.logprobs.content[0]?.top_logprobs.map((each) => [each.token, each.logprob]));
    const sum = (tokens: RewardTokens) =>
      Math.log(ids(tokens).reduce((total, id) => total + Math.exp(found.get(`token_id:${id}`) ?? Number.NaN), 0));
    return [sum(true_tokens), sum(false_tokens)];
  });
  // The longest prefix is asked first.
  for (const [i, prefix] of body.prefixes.toReversed().entries()) {
    const [yes = Number.NaN, no = Number.NaN] = expected[i] ?? [];
    t.ok(Math.abs(prefix.log_prob_true - yes) < 1e-9, `${prefix.log_prob_true}, ${yes}`);
    t.ok(Math.abs(prefix.log_prob_false - no) < 1e-9, `${prefix.log_prob_false}, ${no}`);
  }
});

t.test('128 tokens are read in one query', async (t) => {
  const words = Array.from({ length: 127 }, (_, i) => ` word${String(i).padStart(3, '0')}`);
  const { app, address } = await startService(t, { addedTokens: words });
  await readiness(app, 200);
  const { status, body } = await post(address, 2, { answers: { true_texts: words }, prefixes: { last: 1 } });
  t.equal(status, 200, JSON.stringify(body));
  t.equal(body.provenance.true_tokens.length, 127);
  t.ok((body.prefixes[0]?.log_prob_true ?? 0) < 0);
});

t.test('each text is tokenized once, and each beginning of an answer is converted to text once', async (t) => {
  const { fake, app, address } = await startService(t, { addedTokens: WORDS });
  await readiness(app, 200);
  t.equal((await post(address, 2)).status, 200, 'its prompt is known then');
  const asked = () => [fake.requests.get('/tokenize') ?? 0, fake.requests.get('/detokenize') ?? 0] as const;
  const [tokenized, converted] = asked();
  const episode = { answers: { true_texts: [' Yes No'], false_texts: [' No'] } };
  t.equal((await post(address, 2, episode)).status, 200);
  t.equal((await post(address, 2, episode)).status, 200);
  t.same(asked(), [tokenized + 2, converted + 1]);
});

for (const prompt of ['open', 'chat'] as const) {
  t.test(
    `${prompt}: a text of several tokens is one more query per token, with its beginning after the prompt`,
    async (t) => {
      const { fake, app, address } = await startService(t, { addedTokens: WORDS });
      await readiness(app, 200);
      const read = new Map<string, Map<string, number>>();
      fake.behaviour.rewrite = ({ choices }) => {
        const { items, text, continued } = fake.asked.at(-1) ?? { items: [], text: '', continued: '' };
        const entries = choices[0]?.logprobs.content[0]?.top_logprobs ?? [];
        const after = prompt === 'chat' ? continued : text.slice(text.indexOf('answer is:') + 'answer is:'.length);
        read.set(`${items.length}${after}`, new Map(entries.map(({ token, logprob }) => [token, logprob])));
      };
      const answers = { true_texts: [' Yes No', 'Done'], false_texts: [' Yes Yes No'] };
      const { status, body } = await post(address, 4, { prompt, answers, prefixes: { lengths: [2, 4] } });
      t.equal(status, 200, JSON.stringify(body));
      t.equal(body.usage.engine_requests, 6, 'two further queries for each prefix');
      t.same([...read.keys()].sort(), ['1', '1 Yes', '1 Yes Yes', '2', '2 Yes', '2 Yes Yes']);
      const [yesNo, done] = body.provenance.true_tokens;
      const [yes, no] = yesNo?.ids ?? [];
      t.same(body.provenance.false_tokens, [{ text: ' Yes Yes No', ids: [yes, yes, no] }]);
      for (const { log_prob_true, log_prob_false, frames_used } of body.prefixes) {
        const of = (after: string, id: number | undefined) =>
          read.get(`${frames_used / 2}${after}`)?.get(`token_id:${id}`) ?? Number.NaN;
        const first = of('', yes);
        const wanted = Math.log(Math.exp(first + of(' Yes', no)) + Math.exp(of('', done?.ids[0])));
        t.ok(Math.abs(log_prob_true - wanted) < 1e-9, `${log_prob_true}, ${wanted}`);
        t.ok(Math.abs(log_prob_false - (first + of(' Yes', yes) + of(' Yes Yes', no))) < 1e-9);
      }
    },
  );
}

t.test('a beginning that has other tokens after the prompt is refused', async (t) => {
  // The last character of the prompt and the first token of the answer are one token together.
  const { app, address } = await startService(t, { addedTokens: [':x'] });
  await readiness(app, 200);
  const { status, body } = await post(address, 2, { answers: { true_texts: ['xy'] } });
  t.strictSame([status, body['code'], body['pointer']], [422, 'invalid-answers', '/answers']);
  t.match(body['detail'], /other tokens of "x"/);
});

t.test('an engine that cannot tokenize gives a problem', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.instead = (path, response) =>
    path === '/tokenize' ? response.writeHead(500, { 'content-type': 'application/json' }).end('{}') : undefined;
  const { status, body } = await post(address, 2, { answers: { true_texts: [' Yes'] } });
  t.match({ status, code: body['code'] }, { status: 503, code: 'engine-unavailable' });
});

type RewardTokens = { ids: number[] }[];

t.test('the most likely tokens are read in one more query, which only names its blocks', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const episode = { prefixes: { lengths: [2, 4] } };
  const usual = await post(address, 4, episode);
  t.equal(usual.body.top_answers, null);
  fake.asked.length = 0;
  const { status, body } = await post(address, 4, { ...episode, top_answers: 5 });
  t.equal(status, 200, JSON.stringify(body));
  t.same(body.prefixes, usual.body.prefixes);
  t.equal(body.usage.engine_requests, 3);
  t.equal(
    body.usage.prompt_tokens - usual.body.usage.prompt_tokens,
    fake.promptTokens.at(-2),
    'its tokens are counted',
  );
  const [longest, top] = fake.asked;
  t.ok(longest?.items.every(({ data }) => data !== null));
  t.same([top?.text, top?.items.length], [longest?.text, 2]);
  t.ok(top?.items.every(({ data }) => data === null));
  const found = body.top_answers ?? [];
  t.equal(found.length, 5);
  t.match(found[0], { id: 0, log_prob: -0.7 });
  t.equal(found.find(({ id }) => id === 1)?.text, '<|video_pad|>', 'the first token that the probe asks for');
  const values = found.map(({ log_prob }) => log_prob);
  t.same(
    values,
    values.toSorted((a, b) => b - a),
  );
});

t.test(
  'the published pipeline reads other answers, texts of several tokens and the most likely tokens, too',
  async (t) => {
    const { fake, app, address } = await startService(t, { addedTokens: WORDS });
    await readiness(app, 200);
    const answers = { true_texts: [' True', ' Yes'], false_texts: [' No', 'Done No'], reward: 'log_odds' };
    const episode = { pipeline: 'published', answers, top_answers: 3, prefixes: { lengths: [5, 9] } };
    const { status, body } = await post(address, 9, episode);
    t.equal(status, 200, JSON.stringify(body));
    t.equal(body.top_answers?.length, 3);
    t.ok(body.prefixes.every(({ reward, log_odds }) => reward === log_odds));
    t.equal(fake.asked.length, 5, 'two for each prefix, and one for the most likely tokens');
    t.ok(
      fake.asked[1]?.items.every(({ data }) => data === null),
      'its blocks were sent in the first query',
    );
  },
);

t.test(
  'cached tokens are unknown if the query of the most likely tokens, or the one before it, does not tell them',
  async (t) => {
    const { fake, app, address } = await startService(t);
    await readiness(app, 200);
    const ask = async () =>
      (await post(address, 2, { prefixes: { last: 1 }, top_answers: 5 })).body.usage.cached_tokens;
    await ask();
    t.equal(await ask(), 128, 'one block of 64 tokens in each of the two queries');
    for (const silent of [0, 1]) {
      let answered = 0;
      fake.behaviour.rewrite = ({ usage }) => {
        if (answered === silent) usage.prompt_tokens_details = null;
        answered += 1;
      };
      t.equal(await ask(), null);
      t.equal(answered, 2);
    }
  },
);

t.test('an engine that returns fewer tokens than requested gives a problem with its limit', async (t) => {
  const { app, address } = await startService(t, { maxLogprobs: 10 });
  await readiness(app, 200);
  t.equal((await post(address, 2, { top_answers: 10 })).status, 200);
  const { status, body } = await post(address, 2, { top_answers: 11 });
  t.strictSame([status, body['code'], body['pointer'], body['limit']], [422, 'invalid-answers', '/top_answers', 10]);
});

t.test('numbers of most likely tokens that cannot come from a model are refused', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const changes: ((entry: Entry) => void)[] = [
    (entry) => void entry.top_logprobs.pop(),
    (entry) => void Object.assign(entry.top_logprobs[1] ?? {}, { token: ' True' }),
    (entry) => void Object.assign(entry.top_logprobs[1] ?? {}, { logprob: 0.1 }),
    (entry) => void Object.assign(entry.top_logprobs[1] ?? {}, { logprob: -0.1 }),
  ];
  for (const change of changes) {
    let count = 0;
    fake.behaviour.rewrite = ({ choices }) => {
      count += 1;
      const entry = choices[0]?.logprobs.content[0];
      if (count === 2 && entry) change(entry);
    };
    const { status, body } = await post(address, 2, { top_answers: 3, prefixes: { last: 1 } });
    t.match({ status, code: body['code'] }, { status: 502, code: 'engine-answer-unusable' }, String(change));
  }
});

t.test('most likely tokens that vLLM leaves out are read one by one', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const ask = { top_answers: 5, prefixes: { last: 1 } };
  const together = await post(address, 2, ask);
  const biases: unknown[] = [];
  let change: object | undefined;
  fake.behaviour.rewrite = ({ choices }, { logit_bias: bias = {}, top_logprobs: top }) => {
    biases.push(bias);
    const entry = choices[0]?.logprobs.content[0];
    // What vLLM 0.32 returns for a query that it computes together with one that reads tokens by their ids.
    if (top && entry) entry.top_logprobs = [{ ...entry }, { token: 'token_id:0', logprob: -9999 }].slice(-top);
    if (Object.keys(bias).length === 1 && entry) Object.assign(entry, change);
  };
  for (const [count, requests] of [
    [5, 7],
    [1, 3],
  ] as const) {
    for (const list of [biases, fake.asked, fake.promptTokens]) list.length = 0;
    const { status, body } = await post(address, 2, { ...ask, top_answers: count });
    t.equal(status, 200, JSON.stringify(body));
    t.same(body.top_answers, together.body.top_answers?.slice(0, count));
    t.equal(body.usage?.engine_requests, requests, 'usage says what they cost');
    const tokens = fake.promptTokens.reduce((sum, each) => sum + each, 0);
    t.equal(body.usage?.prompt_tokens, tokens, 'with the query that gave other tokens');
    const [, ...later] = fake.asked;
    t.ok(
      later.every(({ items }) => items.every(({ data }) => data === null)),
      'they only name the blocks',
    );
    const known = (body.top_answers ?? []).slice(0, -1).map(({ id }) => [id, -100]);
    const excluded = [0, ...known.keys()].map((_, i) => Object.fromEntries(known.slice(0, i)));
    t.same(biases.slice(2), excluded, 'each query excludes the tokens before it');
  }
  // Another call of a bf16 model may round up: the next token is then a little more likely than the one before it.
  change = { token: 'token_id:9', logprob: -0.65 };
  const rounded = (await post(address, 2, { ...ask, top_answers: 2 })).body.top_answers;
  t.strictSame(
    rounded?.map(({ id, log_prob }) => [id, log_prob]),
    [
      [0, -0.7],
      [9, -0.65],
    ],
  );
  for (change of [
    { token: 'token_id:0', logprob: -0.7 },
    { token: 'token_id:9', logprob: -0.1 },
    { token: ' True', logprob: -3 },
    { token: 'token_id:9', logprob: 0.1 },
  ]) {
    const { status, body } = await post(address, 2, ask);
    t.match({ status, code: body['code'] }, { status: 502, code: 'engine-answer-unusable' }, JSON.stringify(change));
  }
});

t.test('two most likely tokens with equal probabilities are no fault', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  let count = 0;
  fake.behaviour.rewrite = ({ choices }) => {
    count += 1;
    if (count !== 2) return;
    for (const each of choices[0]?.logprobs.content[0]?.top_logprobs ?? []) each.logprob = -0.7;
  };
  const { status, body } = await post(address, 2, { top_answers: 2, prefixes: { last: 1 } });
  t.equal(status, 200, JSON.stringify(body));
  t.same(
    body.top_answers?.map(({ log_prob }) => log_prob),
    [-0.7, -0.7],
  );
});

type Entry = Answer['choices'][number]['logprobs']['content'][number];
