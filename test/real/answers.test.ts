import { pino } from 'pino';
import t from 'tap';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createEmbeddedEngine } from '../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { askOracle, type Case, environment, type OracleAnswer } from '../support/oracle.ts';
import { post, recorded } from '../support/recorded.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(900_000);

/** Largest permitted difference from transformers on the same checkpoint, in nats. */
const TOLERANCE = 1e-4;

const config = loadConfig({ ENGINE: 'embedded', MODEL_DIR: environment('CHECKPOINT') });
const engine = await createEmbeddedEngine(config, pino({ level: 'warn' }), TOPREWARD);
const app = await buildApp(config, engine);
t.teardown(() => app.close());
const embedded = await app.listen({ port: 0 });
const { referenceFrame } = engine.describe();
const vllm = await startService(t, { ENGINE_FRAME_SIDE: String(referenceFrame.width) });

const success = await recorded('drawer-open-v3-success');
const cases: Case[] = [
  {
    name: 'sets of one token each',
    ...success,
    count: 5,
    top: 20,
    answers: { true: [' True', ' Yes', ' open'], false: [' False', ' No'] },
  },
  {
    name: 'sets of one token each, chat prompt',
    ...success,
    count: 5,
    prompt: 'chat',
    top: 1,
    answers: { true: ['True', 'Yes'], false: ['False', 'No', ' No'] },
  },
  {
    name: 'texts of several tokens',
    ...success,
    count: 5,
    answers: { true: [' Yes', ' The drawer is open', ' The robot'], false: [' No', ' It is not'] },
  },
  {
    name: 'texts of several tokens, chat prompt',
    ...success,
    count: 3,
    prompt: 'chat',
    answers: { true: ['True', 'The drawer is open'], false: ['False', ' It is not'] },
  },
  {
    name: 'an odd number of frames',
    files: await synthetic(3, 3),
    fps: 2,
    instruction: 'Put the red block into the blue box.',
    answers: { true: [' Yes'], false: [' False', 'False'] },
  },
];
const oracle = await askOracle(cases, config.MODEL_DIR, referenceFrame);

for (const [name, address] of Object.entries({ embedded, vllm })) {
  for (const { name: asked, files, fps, instruction, prompt = 'open', top } of cases.filter((each) => each.top)) {
    t.test(`${name}, ${asked}: the most likely next tokens equal those of transformers`, async (t) => {
      const expected = oracle.get(asked)?.top ?? [];
      const episode = { instruction, fps, prompt, prefixes: { last: 1 }, top_answers: top };
      const { status, body } = await post(address, files, episode);
      t.equal(status, 200, JSON.stringify(body));
      t.equal(body.top_answers?.length, top);
      const found = body.top_answers ?? [];
      const furthest = Math.max(...found.map(({ log_prob }, i) => Math.abs(log_prob - (expected[i]?.log_prob ?? 1))));
      t.ok(furthest <= TOLERANCE, `largest difference ${furthest}`);
      // Tokens that are nearly as likely may change places.
      for (const { id, log_prob } of found) {
        const same = expected.find((each) => each.id === id)?.log_prob ?? log_prob;
        t.ok(Math.abs(same - log_prob) <= TOLERANCE, `token ${id}`);
      }
      t.equal(found[0]?.id, expected[0]?.id, 'the most likely token');
      t.comment(`${name}, ${asked}: ${JSON.stringify(found.slice(0, 3))}`);
    });
  }
}

t.test('vllm: the most likely tokens stay the same while other queries are computed with theirs', async (t) => {
  const { name, files, fps, instruction, top } = cases[0] as Case;
  const expected = oracle.get(name)?.top ?? [];
  const likely = { instruction, fps, prefixes: { last: 1 }, top_answers: top };
  const others = { instruction, fps, prefixes: { every: 1 } };
  const asked = Array.from({ length: 8 }, async (_, i) => {
    await post(vllm, files, others);
    return post(vllm, files, i % 2 ? likely : others);
  });
  const found = (await Promise.all(asked)).filter((_, i) => i % 2);
  for (const { status, body } of found) {
    t.equal(status, 200, JSON.stringify(body));
    const furthest = Math.max(
      ...expected.map(({ log_prob }, i) => Math.abs(log_prob - (body.top_answers?.[i]?.log_prob ?? 1))),
    );
    t.ok(furthest <= TOLERANCE, `largest difference ${furthest}`);
  }
  t.comment(`engine requests: ${found.map(({ body }) => body.usage?.engine_requests)}`);
});

const logSigmoid = (x: number) => -Math.log1p(Math.exp(-x));

for (const [name, address] of Object.entries({ embedded, vllm })) {
  for (const asked of cases) {
    t.test(`${name}, ${asked.name}: the log probabilities of the sets equal those of transformers`, async (t) => {
      const expected = oracle.get(asked.name);
      if (!expected) throw new Error(`The oracle has no result for ${asked.name}.`);
      for (const reward of ['log_prob', 'log_odds', 'normalised'] as const) {
        const furthest = await distance(address, asked, expected, reward);
        t.ok(furthest <= TOLERANCE, `largest difference ${furthest}`);
        t.comment(`${name}, ${asked.name}, ${reward}: largest difference ${furthest.toExponential(1)} nats`);
      }
    });
  }
}

async function distance(
  address: string,
  { files, fps, instruction, prompt = 'open', count = 15, answers }: Case,
  expected: OracleAnswer,
  reward: 'log_prob' | 'log_odds' | 'normalised',
): Promise<number> {
  const asked = { true_texts: answers?.true, false_texts: answers?.false, reward };
  const episode = { instruction, fps, prompt, prefixes: { count }, answers: asked };
  const { status, body } = await post(address, files, episode);
  if (status !== 200) throw new Error(`The response has status ${status}: ${JSON.stringify(body)}`);
  if (body.prefixes.length !== expected.log_prob_true.length) throw new Error('There is another number of prefixes.');
  return Math.max(
    ...body.prefixes.flatMap(({ log_prob_true, log_prob_false, reward: found }, i) => {
      const [yes = Number.NaN, no = Number.NaN] = [expected.log_prob_true[i], expected.log_prob_false[i]];
      const wanted = { log_prob: yes, log_odds: yes - no, normalised: logSigmoid(yes - no) }[reward];
      return [log_prob_true - yes, log_prob_false - no, found - wanted].map(Math.abs);
    }),
  );
}
