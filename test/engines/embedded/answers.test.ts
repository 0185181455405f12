import { createHash } from 'node:crypto';
import t from 'tap';
import type { RewardResult } from '../../../schemas/reward.ts';
import { post, recorded } from '../../support/recorded.ts';
import { startServer } from '../../support/server.ts';

const { address } = await startServer(t);
const { files } = await recorded('drawer-open-v3-success');
const shared = { fps: 4, instruction: 'Open the drawer.', prefixes: { count: 5 } };

async function ask(answers?: object, episode: object = {}): Promise<RewardResult> {
  const { status, body } = await post(address, files, { ...shared, ...episode, ...(answers && { answers }) });
  if (status !== 200) throw new Error(`The response has status ${status}: ${JSON.stringify(body)}`);
  return body;
}

const logSumExp = (...values: number[]) => Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));

t.test('sets of answers are the sums of their tokens, each read on its own', async (t) => {
  const sets = await ask({ true_texts: [' True', ' Yes'], false_texts: [' False', ' No', 'False'] });
  const singles = await Promise.all([
    ask({ true_texts: [' True'], false_texts: [' False'] }),
    ask({ true_texts: [' Yes'], false_texts: [' No'] }),
    ask({ true_texts: ['True'], false_texts: ['False'] }),
  ]);
  const of = (place: number) => singles.map(({ prefixes }) => prefixes[place]);
  t.equal(sets.prefixes.length, 5);
  for (const [i, { log_prob_true, log_prob_false, log_odds, reward }] of sets.prefixes.entries()) {
    const yes = of(i)
      .slice(0, 2)
      .map((each) => each?.log_prob_true ?? Number.NaN);
    const no = of(i).map((each) => each?.log_prob_false ?? Number.NaN);
    t.ok(Math.abs(log_prob_true - logSumExp(...yes)) < 1e-6, `True: ${log_prob_true}, ${yes}`);
    t.ok(Math.abs(log_prob_false - logSumExp(...no)) < 1e-6, `False: ${log_prob_false}, ${no}`);
    t.equal(log_odds, log_prob_true - log_prob_false);
    t.equal(reward, log_prob_true);
  }
  t.equal(sets.usage.engine_requests, singles[0]?.usage.engine_requests, 'sets need no further query');
});

t.test('the default answers, written out, give the same numbers as no answers', async (t) => {
  for (const prompt of ['open', 'chat'] as const) {
    const usual = await ask(undefined, { prompt });
    const { answers } = usual.provenance;
    const given = await ask(answers, { prompt });
    t.same(given.prefixes, usual.prefixes, prompt);
    t.same(given.success, usual.success, 'the threshold of the model holds');
  }
});

t.test('the threshold of the model does not hold for other answers', async (t) => {
  t.equal((await ask()).success?.threshold_source, 'model');
  t.equal((await ask({ reward: 'log_odds' })).success, null);
});

t.test('a text of several tokens is less likely than its first token, with both prompts', async (t) => {
  for (const [prompt, first, both] of [
    ['open', ' Yes', ' Yes No'],
    ['chat', 'Yes', 'Yes No'],
  ] as const) {
    const one = await ask({ true_texts: [first] }, { prompt });
    const two = await ask({ true_texts: [both], reward: 'normalised' }, { prompt });
    t.same(two.provenance.true_tokens[0]?.ids.length, 2);
    t.equal(two.usage.engine_requests, 2 * one.usage.engine_requests);
    for (const [i, { log_prob_true, log_prob_false, reward }] of two.prefixes.entries()) {
      t.ok(log_prob_true < (one.prefixes[i]?.log_prob_true ?? Number.NaN));
      t.ok(Math.abs(log_prob_false - (one.prefixes[i]?.log_prob_false ?? Number.NaN)) < 1e-6);
      t.ok(Math.abs(reward - (log_prob_true - logSumExp(log_prob_true, log_prob_false))) < 1e-9);
    }
  }
});

t.test('a step of a growing episode reads texts of several tokens, too', async (t) => {
  const digest = (file: Buffer) => createHash('sha256').update(file).digest('hex');
  const answers = { true_texts: [' Yes No'] };
  const some = files.slice(0, 9);
  const whole = await ask(answers, { prefixes: { last: 1 } });
  const grown = await post(address, files, {
    ...shared,
    answers,
    prefixes: { last: 1 },
    frame_digests: files.map(digest),
  });
  t.equal(grown.status, 200, JSON.stringify(grown.body));
  const values = [whole, grown.body].map(({ prefixes }) => prefixes[0]?.log_prob_true ?? Number.NaN);
  t.ok(Math.abs((values[0] ?? 0) - (values[1] ?? 1)) < 1e-5, String(values));
  const odd = await post(address, some, { ...shared, answers, prefixes: { last: 1 }, frame_digests: some.map(digest) });
  t.equal(odd.status, 200, 'an odd number of sampled frames: each query has the doubled block');
  t.equal(odd.body.usage.engine_requests, 2);
});

t.test(
  'the most likely next tokens are those of the longest prefix, with the same numbers as when asked for',
  async (t) => {
    const usual = await ask();
    t.equal(usual.top_answers, null);
    const { top_answers: top, prefixes, usage } = await ask(undefined, { top_answers: 20 });
    t.equal(top?.length, 20);
    t.equal(usage.engine_requests, usual.usage.engine_requests, 'no further query');
    for (const [i, each] of prefixes.entries())
      t.ok(Math.abs(each.log_prob_true - (usual.prefixes[i]?.log_prob_true ?? Number.NaN)) < 1e-6);
    const values = top?.map(({ log_prob }) => log_prob) ?? [];
    t.same(
      values,
      values.toSorted((a, b) => b - a),
      'the most likely one first',
    );
    t.equal(top?.[0]?.text, ' True');
    t.ok(Math.abs((top?.[0]?.log_prob ?? 0) - (prefixes.at(-1)?.log_prob_true ?? Number.NaN)) < 1e-6);
    // Tokens that are a text on their own can be requested.
    const words = top?.filter(({ text }) => /^ ?[a-zA-Z]+$/.test(text) && text !== ' True').slice(0, 6) ?? [];
    t.ok(words.length > 2, JSON.stringify(top));
    for (const { text, id, log_prob } of words) {
      const { prefixes, provenance } = await ask({ false_texts: [text] }, { prefixes: { last: 1 } });
      t.same(provenance.false_tokens, [{ text, ids: [id] }]);
      t.ok(Math.abs((prefixes[0]?.log_prob_false ?? 0) - log_prob) < 1e-6, text);
    }
    const [one] = (await ask(undefined, { top_answers: 1, prefixes: { last: 1 } })).top_answers ?? [];
    t.match(one, { text: ' True', id: top?.[0]?.id });
    t.ok(
      Math.abs((one?.log_prob ?? 0) - (top?.[0]?.log_prob ?? 1)) < 1e-6,
      'the same alone, in a call with other blocks',
    );
  },
);
