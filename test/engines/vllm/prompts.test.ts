import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ServedModel } from '../../../src/engine/served-model.ts';
import { reply } from '../../support/fake-vllm.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

const LAYOUTS = [
  ['pairs', {}],
  ['images', { MODEL_PROFILE: 'qwen3-vl-images' }],
] as const;

type Ids = number[];

/** Changes that another chat template, or another processor, could make. */
const CHANGES: [what: string, change: (ids: Ids) => unknown][] = [
  ['one token fewer in front', (ids) => ids.splice(1, 1)],
  ['one token more in front', (ids) => ids.unshift(ids[2] as number)],
  ['another token in front', (ids) => ids.splice(0, 1, ids[2] as number)],
  ['another token at the end', (ids) => ids.splice(-1, 1, ids[2] as number)],
  ['one token fewer at the end', (ids) => ids.pop()],
  ['one token more at the end', (ids) => ids.push(ids[2] as number)],
  ['one token fewer in the last frame', (ids) => ids.splice(ids.lastIndexOf(padOf(ids)), 1)],
  ['one token fewer in each frame', (ids) => everyFrame(ids, padOf(ids))],
];

/** The token that stands for frames: the most frequent one. */
function padOf(ids: Ids): number {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

function everyFrame(ids: Ids, pad: number): void {
  const kept = ids.filter((id, i) => id !== pad || ids[i - 1] === pad);
  ids.splice(0, ids.length, ...kept);
}

/** Changes the token ids of a response, and their number with them. */
function changed({ prompt_token_ids: ids, usage }: FakeAnswer, change: (ids: Ids) => unknown): void {
  if (!ids) return;
  change(ids);
  usage.prompt_tokens = ids.length;
}

interface FakeAnswer {
  prompt_token_ids?: Ids | null;
  usage: { prompt_tokens: number };
}

for (const [name, env] of LAYOUTS) {
  t.test(`${name}: a prompt of another chat template than the probed one gives no number`, async (t) => {
    const { fake, app, address } = await startService(t, {}, env);
    await readiness(app, 200);
    const last = { prefixes: { last: 1 } };
    // Frames of another size have other numbers of tokens, so this is no fault.
    for (const [what, change] of CHANGES.slice(0, -1)) {
      fake.behaviour.rewrite = (answer) => changed(answer, change);
      const { status, body } = await post(address, 4, last);
      t.equal(status, 502, what);
      t.match(body, { code: 'engine-answer-unusable' });
    }
    fake.behaviour.rewrite = (answer) => {
      if (answer.prompt_token_ids) answer.usage.prompt_tokens += 1;
    };
    t.equal((await post(address, 4, last)).status, 502, 'another number of tokens than of their ids');
    fake.behaviour.rewrite = undefined;
    t.equal((await post(address, 4, last)).status, 200);
  });

  t.test(`${name}: a prompt with the tokens of an answer is compared with the longest one`, async (t) => {
    const { fake, app, address } = await startService(t, { addedTokens: [' Yes', ' No'] }, env);
    await readiness(app, 200);
    const answers = { true_texts: [' Yes No'] };
    for (const episode of [{ answers }, { method: 'instruction_likelihood', instruction: 'Go on.' }])
      for (const [what, change] of [['nothing', () => {}] as const, ...CHANGES]) {
        const before = fake.asked.length;
        fake.behaviour.rewrite = (answer) => {
          if (fake.asked.length > before + 1) changed(answer, change);
        };
        const { status } = await post(address, 6, { ...episode, prefixes: { lengths: [2, 6] } });
        // After another end, the text is not the one that was sent: that is told as a problem of the text.
        const expected = what === 'nothing' ? [200] : what.endsWith('at the end') ? [422, 502] : [502];
        t.ok(expected.includes(status), JSON.stringify({ ...episode, what, status }));
      }
  });

  t.test(
    `${name}: a prompt without token ids must have as many tokens as the longest one has up to there`,
    async (t) => {
      const { fake, app, address } = await startService(t, {}, env);
      await readiness(app, 200);
      const [two, one] = [{ prefixes: { lengths: [2, 6] } }, { prefixes: { last: 1 }, top_answers: 3 }];
      const answers = { true_texts: [' Yes No'] };
      const likelihood = { method: 'instruction_likelihood' };
      for (const episode of [two, { ...two, answers }, { ...two, ...likelihood }, one])
        for (const by of [0, 1, -1]) {
          fake.behaviour.rewrite = (answer) => {
            if (!answer.prompt_token_ids) answer.usage.prompt_tokens += by;
          };
          const { status, body } = await post(address, 6, episode);
          t.equal(status, by === 0 ? 200 : 502, JSON.stringify({ ...episode, by, code: body['code'] }));
        }
    },
  );
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
  t.match(body, { code: 'engine-unavailable', detail: 'probed again during this episode' });
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
