import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { likelihoodOf } from '../../support/answers.ts';
import { type Answer, type Behaviour, refuse } from '../../support/fake-vllm.ts';
import { growingEpisode } from '../../support/growing.ts';
import { readiness } from '../../support/readiness.ts';
import { frame, post, startService } from './support.ts';

const BEFORE = 'The above video shows a robot manipulation trajectory that completes the following task:';
const EPISODE = { method: 'instruction_likelihood', instruction: 'Go up', prefixes: { lengths: [2, 4] } };
/** The first of these words is a token before the second one only: a text that is cut between them has other tokens. */
const UNCUT = ['up(?= on)'];

const lastOf = ({ tokens }: { tokens: number[] }) => tokens.at(-1);

async function start(t: Test, behaviour: Partial<Behaviour> = {}, env: Record<string, string> = {}) {
  // The fake hashes all items for each token. Small frames keep that fast.
  const service = await startService(t, behaviour, { ENGINE_FRAME_SIDE: '32', ...env });
  await readiness(service.app, 200);
  const ask = async (more: object = {}, frames = 4) => {
    const { status, body } = await post(service.address, frames, { ...EPISODE, ...more });
    return likelihoodOf(t, { statusCode: status, body: JSON.stringify(body) });
  };
  /** Scores an episode that has no result. @returns status and code of the problem */
  const fail = async (more: object = {}, frames = 4) => {
    const { status, body } = await post(service.address, frames, { ...EPISODE, ...more });
    t.equal(body['prefixes'], undefined, 'no number is returned');
    return [status, body['code'], body['pointer']];
  };
  return { ...service, ask, fail };
}

t.test('each token is read on its own; only the first query of the episode has data', async (t) => {
  const { fake, ask } = await start(t);
  const read: [text: string, blocks: number, value: number][] = [];
  fake.behaviour.rewrite = ({ choices }) => {
    const { text = '', items = [] } = fake.asked.at(-1) ?? {};
    read.push([text, items.length, choices[0]?.logprobs.content[0]?.top_logprobs.at(-1)?.logprob ?? Number.NaN]);
  };
  const { prefixes, usage, provenance } = await ask();
  // " Go up." has seven tokens: the fake has one for each letter.
  const starts = ['', ' ', ' G', ' Go', ' Go ', ' Go u', ' Go up'].map((start) => `${BEFORE}${start}`);
  for (const [i, { with_full_stop, without_full_stop }] of prefixes.entries()) {
    const own = read.filter(([, blocks]) => blocks === i + 1);
    t.strictSame(own.map(([text]) => text).sort(), starts);
    const values = starts.map((start) => own.find(([text]) => text === start)?.[2] ?? Number.NaN);
    t.strictSame(with_full_stop.tokens, values);
    t.strictSame(without_full_stop.tokens, values.slice(0, -1));
  }
  t.equal(usage.engine_requests, 14);
  t.equal(
    usage.prompt_tokens,
    fake.promptTokens.reduce((total, count) => total + count, 0),
    'the tokens of all queries',
  );
  t.strictSame(
    fake.asked.map(({ items }) => items.map(({ data }) => data !== null)),
    fake.asked.map(({ items }, i) => items.map(() => i === 0)),
  );
  t.ok(fake.asked.every(({ openTurn, continued }) => openTurn && continued === ''));
  t.strictSame(
    provenance.full_stop_tokens.map(({ text }) => text),
    [...' Go up.'],
  );
});

t.test('the last token of an instruction that ends with a full stop is read twice, in one query', async (t) => {
  const { fake, ask } = await start(t, { addedTokens: ['\\.\\.'] });
  const bare = await ask();
  fake.asked.length = 0;
  const { prefixes, usage, provenance } = await ask({ instruction: 'Go up.' });
  t.strictSame(
    provenance.full_stop_tokens.map(({ text }) => text),
    [...' Go up', '..'],
  );
  t.equal(usage.engine_requests, 14, 'as many as for one text');
  t.equal(fake.asked.length, 14);
  for (const [i, { with_full_stop: stops, without_full_stop: stop }] of prefixes.entries()) {
    t.strictSame(stop, bare.prefixes[i]?.with_full_stop, 'the instruction with its own full stop');
    t.strictSame(stops.tokens.slice(0, -1), stop.tokens.slice(0, -1));
    t.not(lastOf(stops), lastOf(stop));
  }
});

t.test('a doubled block is sent by the first query of its prefix, and then named', async (t) => {
  const { fake, ask } = await start(t);
  await ask({ prefixes: { lengths: [1, 3, 4] } });
  const sent = fake.asked.map(({ items, text }) => [items.filter(({ data }) => data).length, text === BEFORE]);
  t.strictSame(sent[0], [2, true]);
  t.strictSame(
    sent.slice(1).filter(([count]) => count !== 0),
    [
      [1, true],
      [1, true],
    ],
  );
});

t.test('a prefix has the same numbers on its own and among others', async (t) => {
  const { ask } = await start(t);
  const together = await ask({ prefixes: { every: 1 } });
  for (const [i, each] of together.prefixes.entries()) {
    const { prefixes } = await ask({ prefixes: { lengths: [i + 1] } });
    t.strictSame({ ...prefixes[0], progress: 0 }, { ...each, progress: 0 });
  }
});

t.test('a text that has other tokens when it is cut is read in one query, with the same numbers', async (t) => {
  for (const instruction of ['Go up on', 'Go up on.']) {
    const whole = await start(t, { addedTokens: [...UNCUT, '\\.\\.'] });
    const cut = await start(t, { addedTokens: ['up', '\\.\\.'] });
    const [one, other] = [await whole.ask({ instruction }), await cut.ask({ instruction })];
    t.strictSame(one.prefixes, other.prefixes, instruction);
    t.strictSame(
      one.provenance.full_stop_tokens.map(({ text }) => text),
      [' ', 'G', 'o', ' ', 'up', ' ', 'o', 'n', instruction.endsWith('.') ? '..' : '.'],
    );
    const asked = whole.fake.asked.filter(({ text }) =>
      [`${instruction}.`, instruction].some((end) => text === `${BEFORE} ${end}`),
    );
    t.ok(asked.length >= 2);
    const lasts = other.prefixes.map((prefix) => [prefix.with_full_stop, prefix.without_full_stop].map(lastOf));
    t.ok(lasts.every(([one, two]) => one !== two));
    t.ok(
      asked.every(({ items }) => items.every(({ data }) => data === null)),
      'its blocks are named',
    );
  }
});

t.test('once a text is known to have other tokens when it is cut, it is not cut again', async (t) => {
  const { fake, ask } = await start(t, { addedTokens: [...UNCUT, '\\.\\.'] });
  // For each prefix: the first token, and each complete text. The first query that reads them also tries the cuts.
  for (const [instruction, each] of [
    ['Go up on', 2],
    ['Go up on.', 3],
  ] as const) {
    fake.asked.length = 0;
    const { usage, prefixes } = await ask({ instruction, prefixes: { every: 1 } }, 6);
    t.equal(prefixes.length, 6);
    t.equal(usage.engine_requests, 6 * each + 8, instruction);
  }
});

t.test('a query for all tokens of its prompt reports that nothing was cached', async (t) => {
  const { ask } = await start(t, { addedTokens: UNCUT });
  const [plain, uncut] = [await ask(), await ask({ instruction: 'Go up on' })];
  t.ok((plain.usage.cached_tokens ?? 0) > 0);
  t.ok(uncut.usage.prompt_tokens > (uncut.usage.cached_tokens ?? 0));
});

t.test('a long instruction is read, whatever the length of its texts', async (t) => {
  const words = Array.from({ length: 100 }, (_, i) => ` ${'word'.repeat(5)}${100 + i}`);
  const { ask } = await start(t, { addedTokens: words });
  const { provenance, prefixes } = await ask({ instruction: words.join('').slice(1), prefixes: { last: 1 } });
  t.equal(provenance.instruction_tokens.length, 100);
  t.equal(prefixes[0]?.with_full_stop.tokens.length, 101);
});

t.test('an instruction that has other tokens in the prompt of the model is refused', async (t) => {
  // Two letters are one token only in a prompt with a turn: without a prompt the tokenizer makes two of them.
  const { fail, fake, address } = await start(t, { addedTokens: ['(?<=user[^]*)Go'] });
  t.strictSame(await fail(), [422, 'invalid-request', '/instruction']);
  t.ok(fake.asked.length > 0);
  const { body } = await post(address, 4, EPISODE);
  t.notMatch(JSON.stringify(body), /Go/, 'no word of the instruction is repeated');
});

t.test('a tokenizer that joins the prompt and the instruction is refused before anything is asked', async (t) => {
  const { fail, fake } = await start(t, { addedTokens: [': G'] });
  t.strictSame(await fail(), [422, 'invalid-request', '/instruction']);
  t.equal(fake.asked.length, 0);
});

type Rows = NonNullable<Answer['prompt_logprobs']>;

const BROKEN: [what: string, change: (answer: Answer, rows: Rows) => void][] = [
  ['no prompt log probabilities', (answer) => void delete answer.prompt_logprobs],
  ['null', (answer) => Object.assign(answer, { prompt_logprobs: null })],
  ['no rows', (_, rows) => void rows.splice(0)],
  ['only the last rows', (_, rows) => void rows.splice(0, rows.length - 9)],
  ['one row less', (_, rows) => void rows.pop()],
  ['one row less at the beginning', (_, rows) => void rows.splice(1, 1)],
  ['one row more', (_, rows) => void rows.push({ 1: { logprob: -1 } })],
  ['a row of another token', (_, rows) => void rows.splice(-3, 1, { 999999: { logprob: -1 } })],
  ['an empty row', (_, rows) => void rows.splice(-3, 1, {})],
  ['no row', (_, rows) => void rows.splice(-3, 1, null)],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, -9999, -1e9].map(
    (logprob): (typeof BROKEN)[number] => [
      `a value of ${logprob}`,
      (_, rows) => {
        for (const entry of Object.values(rows.at(-3) ?? {})) entry.logprob = logprob;
      },
    ],
  ),
  ['no token ids', (answer) => void delete answer.prompt_token_ids],
  ['other token ids', ({ prompt_token_ids: ids = [] }) => void ids.splice(-2, 1, 999_999)],
];

t.test('unusable rows of the prompt are refused', async (t) => {
  const { fake, fail } = await start(t, { addedTokens: UNCUT });
  for (const [what, change] of BROKEN) {
    let changed = 0;
    fake.behaviour.rewrite = (answer) => {
      if (!answer.prompt_logprobs) return;
      changed += 1;
      change(answer, answer.prompt_logprobs);
    };
    const found = await fail({ instruction: 'Go up on' });
    const isOther = what === 'other token ids';
    const expected = isOther ? [422, 'invalid-request', '/instruction'] : [502, 'engine-answer-unusable', undefined];
    t.strictSame(found, expected, what);
    t.equal(changed, 1);
  }
});

t.test('a response with NaN or a broken end is refused', async (t) => {
  const { fake, fail } = await start(t, { addedTokens: UNCUT });
  for (const change of [
    (text: string) => text.replace('"logprob":-1}', '"logprob":NaN}'),
    (text: string) => text.slice(0, -20),
  ]) {
    fake.behaviour.send = (response, answer) => {
      if (!('prompt_logprobs' in answer) || !answer.prompt_logprobs) return undefined;
      response.writeHead(200, { 'content-type': 'application/json' }).end(change(JSON.stringify(answer)));
      return true;
    };
    t.strictSame(await fail({ instruction: 'Go up on' }), [502, 'engine-answer-unusable', undefined]);
  }
});

t.test('unusable values of a single token are refused', async (t) => {
  const { fake, fail } = await start(t);
  const entry = ({ choices }: Answer) =>
    choices[0]?.logprobs.content[0]?.top_logprobs.at(-1) ?? { logprob: 0, token: '' };
  for (const [what, change] of [
    ['another token', (answer) => Object.assign(entry(answer), { token: 'token_id:999999' })],
    ['a positive value', (answer) => Object.assign(entry(answer), { logprob: 0.1 })],
    ['minus infinity', (answer) => Object.assign(entry(answer), { logprob: -9999 })],
    ['null', (answer) => Object.assign(entry(answer), { logprob: null })],
    ['no token ids', (answer) => void delete answer.prompt_token_ids],
  ] as [string, (answer: Answer) => unknown][]) {
    for (const place of [1, 3]) {
      let count = 0;
      fake.behaviour.rewrite = (answer) => {
        count += 1;
        if (count === place) change(answer);
      };
      t.strictSame(await fail(), [502, 'engine-answer-unusable', undefined], `${what}, response ${place}`);
    }
  }
});

t.test('a busy engine is asked again, for single tokens and for all of them', async (t) => {
  const { fake, ask } = await start(t, { addedTokens: UNCUT });
  for (const instruction of ['Go up', 'Go up on']) {
    const before = await ask({ instruction });
    let refused = 0;
    fake.behaviour.fault = ({ text }, response) => {
      if (refused >= 2 || text === BEFORE) return undefined;
      refused += 1;
      return refuse(response, 503, 'queue full');
    };
    t.strictSame((await ask({ instruction })).prefixes, before.prefixes);
    t.equal(refused, 2);
    fake.behaviour.fault = undefined;
  }
});

t.test('a long prompt is read token by token only', async (t) => {
  const { ask, fail } = await start(t, { addedTokens: UNCUT });
  const long = { prefixes: { last: 1 }, fps: 2 };
  t.ok((await ask({ instruction: 'Go up', ...long }, 64)).prefixes[0]);
  const refused = await fail({ instruction: 'Go up on', ...long }, 64);
  t.strictSame(refused, [422, 'invalid-request', '/instruction']);
});

t.test('an engine that stays busy with the further tokens has no result', async (t) => {
  const { fake, fail } = await start(t);
  fake.behaviour.fault = ({ text }, response) => (text === BEFORE ? undefined : refuse(response, 503, 'queue full'));
  t.strictSame(await fail({ prefixes: { last: 1 } }), [503, 'engine-busy', undefined]);
});

t.test('items that the engine loses between two tokens are sent again', async (t) => {
  const { fake, ask } = await start(t, { addedTokens: UNCUT });
  for (const instruction of ['Go up', 'Go up on']) {
    const before = await ask({ instruction });
    for (const text of [`${BEFORE} G`, `${BEFORE} ${instruction}.`, `${BEFORE} ${instruction}`.slice(0, -1)]) {
      let forgot = 0;
      fake.behaviour.fault = (asked) => {
        if (asked.text === text && forgot === 0) {
          forgot += 1;
          fake.forget();
        }
        return undefined;
      };
      const after = await ask({ instruction });
      t.strictSame(after.prefixes, before.prefixes);
      t.ok(forgot === 0 || after.usage.engine_resends > 0);
    }
    fake.behaviour.fault = undefined;
  }
});

const files = await Promise.all(Array.from({ length: 10 }, (_, i) => frame(i)));

t.test('a growing episode sends new blocks only, and is told of lost ones', async (t) => {
  for (const instruction of ['Go up', 'Go up on']) {
    const { fake, address, ask } = await start(t, { addedTokens: UNCUT }, { RECENT_FRAMES_BYTES: '0' });
    const step = growingEpisode(address, { method: 'instruction_likelihood', instruction, fps: 2 });
    const likelihoods = (body: object) => likelihoodOf(t, { statusCode: 200, body: JSON.stringify(body) }).prefixes;
    await step(...files.slice(0, 4));
    fake.asked.length = 0;
    const next = await step(...files.slice(4, 6));
    t.strictSame([next.tries, next.sent], [1, 2]);
    t.strictSame(
      fake.asked.map(({ items }) => items.filter(({ data }) => data).length),
      fake.asked.map((_, i) => (i === 0 ? 1 : 0)),
    );
    const whole = await ask({ instruction, prefixes: { last: 1 } }, 6);
    t.strictSame(
      likelihoods(next.body).map(({ with_full_stop }) => with_full_stop),
      whole.prefixes.map(({ with_full_stop }) => with_full_stop),
    );
    fake.forget();
    const lost = await step(...files.slice(6, 8));
    t.strictSame([lost.tries, lost.sent], [2, 2 + 8], 'one response names all frames');
    // Items can also be lost after the first token.
    let forgot = false;
    fake.behaviour.fault = ({ text }) => {
      if (text !== BEFORE && !forgot) {
        forgot = true;
        fake.forget();
      }
      return undefined;
    };
    const again = await step(...files.slice(8));
    t.strictSame([again.tries, again.sent], [2, 2 + 10]);
    const complete = await ask({ instruction, prefixes: { last: 1 } }, 10);
    t.strictSame(
      likelihoods(again.body).map(({ with_full_stop }) => with_full_stop),
      complete.prefixes.map(({ with_full_stop }) => with_full_stop),
    );
  }
});

t.test('the published pipeline names the blocks that the first query of a prefix has sent', async (t) => {
  const { fake, ask } = await start(t, { addedTokens: UNCUT });
  for (const instruction of ['Go up', 'Go up on.']) {
    fake.asked.length = 0;
    const { prefixes } = await ask({ instruction, pipeline: 'published', prefixes: { lengths: [5, 9] } }, 9);
    t.equal(prefixes.length, 2);
    t.ok(
      fake.asked.filter(({ text }) => text !== BEFORE).every(({ items }) => items.every(({ data }) => data === null)),
    );
  }
});

t.test('all requests end when the client disconnects', async (t) => {
  const { fake, address } = await start(t, { addedTokens: UNCUT });
  for (const held of [`${BEFORE} G`, `${BEFORE} Go up on.`]) {
    fake.asked.length = 0;
    const leave = new AbortController();
    const asked = new Promise<void>((resolve) => {
      fake.behaviour.fault = ({ text }) => {
        if (text !== held) return undefined;
        resolve();
        return true;
      };
    });
    const posted = post(address, 4, { ...EPISODE, instruction: 'Go up on' }, { signal: leave.signal });
    await asked;
    leave.abort();
    await t.rejects(posted);
    await fake.asked.find(({ text }) => text === held)?.gone;
    // Requests that had been sent may still arrive.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const count = fake.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.equal(fake.asked.length, count, 'no further request is sent');
  }
});

t.test('at the deadline no request to the engine is left', async (t) => {
  const { fake, fail } = await start(t, {}, { DEADLINE_S: '1' });
  fake.behaviour.fault = ({ text }: { text: string }, _: ServerResponse) => (text === BEFORE ? undefined : true);
  t.strictSame((await fail()).slice(0, 2), [504, 'deadline-exceeded']);
  await Promise.all(fake.asked.filter(({ text }) => text !== BEFORE).map(({ gone }) => gone));
});
