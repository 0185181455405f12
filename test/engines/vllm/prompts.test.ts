import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ServedModel } from '../../../src/engine/served-model.ts';
import type { Completion } from '../../../src/engines/vllm/responses.ts';
import { reply } from '../../support/fake-vllm.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

const LAYOUTS = [
  ['pairs', {}],
  ['images', { MODEL_PROFILE: 'qwen3-vl-images' }],
] as const;

/** Adds to the number of prompt tokens. */
const longer = (answer: Pick<Completion, 'usage'>, by: number) => {
  answer.usage.prompt_tokens += by;
};

for (const [name, env] of LAYOUTS) {
  t.test(`${name}: a prompt of another chat template than the probed one gives no number`, async (t) => {
    const { fake, app, address } = await startService(t, {}, env);
    await readiness(app, 200);
    const changes: [what: string, change: (ids: number[]) => unknown][] = [
      ['one token fewer in front', (ids) => ids.splice(1, 1)],
      ['one token more in front', (ids) => ids.unshift(ids[2] as number)],
      ['another token in front', (ids) => ids.splice(0, 1, ids[2] as number)],
      ['another token at the end', (ids) => ids.splice(-1, 1, ids[2] as number)],
    ];
    for (const [what, change] of changes) {
      fake.behaviour.rewrite = (answer) => {
        if (answer.prompt_token_ids) change(answer.prompt_token_ids);
      };
      const { status, body } = await post(address, 4, { prefixes: { last: 1 } });
      t.equal(status, 502, what);
      t.match(body, { code: 'engine-answer-unusable' });
    }
    fake.behaviour.rewrite = undefined;
    t.equal((await post(address, 4, { prefixes: { last: 1 } })).status, 200);
  });

  t.test(`${name}: a shorter prompt must have as many tokens as the longest one has up to there`, async (t) => {
    const { fake, app, address } = await startService(t, {}, env);
    await readiness(app, 200);
    const answers = { true_texts: [' Yes No'] };
    for (const episode of [{}, { answers }, { method: 'instruction_likelihood' }])
      for (const by of [0, 1, -1]) {
        fake.behaviour.rewrite = (answer) => {
          if (!answer.prompt_token_ids) longer(answer, by);
        };
        const { status, body } = await post(address, 6, { ...episode, prefixes: { lengths: [2, 6] } });
        t.equal(status, by === 0 ? 200 : 502, JSON.stringify({ ...episode, by, code: body['code'] }));
      }
  });
}

t.test('a known prompt is not tokenized again, but each tenant sends its own', async (t) => {
  const [ALICE, BOB] = ['the-key-of-alice', 'the-key-of-bobby'];
  const { fake, app, address } = await startService(t, {}, { API_KEYS: `alice=${ALICE},bob=${BOB}` });
  await readiness(app, 200);
  const costOf = async (key: string, instruction: string, frames = 4) => {
    const before = fake.requests.get('/tokenize') as number;
    const headers = { authorization: `Bearer ${key}` };
    t.equal((await post(address, frames, { instruction }, { headers })).status, 200);
    return (fake.requests.get('/tokenize') as number) - before;
  };
  t.equal(await costOf(ALICE, 'Open it.'), 1);
  t.equal(await costOf(ALICE, 'Open it.'), 0);
  t.equal(await costOf(ALICE, 'Open it.', 2), 0, 'all of its blocks are known');
  t.equal(await costOf(ALICE, 'Open it.', 6), 1, 'a new time');
  t.equal(await costOf(ALICE, 'Close it.', 6), 1, 'a new text');
  t.equal(await costOf(BOB, 'Open it.'), 1, 'nobody can tell what another tenant sent');
});

t.test('if the engine is probed again during an episode, no response has numbers of two models', async (t) => {
  const { fake, app, engine, address } = await startService(t, {}, {}, { readyCheckMs: 5 });
  await readiness(app, 200);
  const described = engine.describe();
  // The main plan has its answers from the first engine. Its control comes after another version has taken over.
  fake.behaviour.send = async (response, answer) => {
    fake.behaviour.send = undefined;
    fake.behaviour.version = '0.33.0';
    while (describedBy(engine) === described || !describedBy(engine)) await setTimeout(5);
    reply(response, 200, answer);
  };
  const { status, body } = await post(address, 4, { prefixes: { last: 1 }, controls: { static: true } });
  t.equal(status, 503);
  t.match(body, { code: 'engine-unavailable', detail: 'changed during this episode' });
  t.equal(fake.asked.length, 1);
  t.equal((await post(address, 4, { controls: { static: true } })).status, 200);
});

function describedBy(engine: Engine): ServedModel | undefined {
  try {
    return engine.describe();
  } catch {
    return undefined;
  }
}
