import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { NonEmpty } from '../../../src/plan/non-empty.ts';
import type { Read, ReadText } from '../../../src/plan/plan.ts';
import { likelihoodOf } from '../../support/answers.ts';
import { post, recorded } from '../../support/recorded.ts';
import { startServer } from '../../support/server.ts';
import { ask, counted, openCheckpoint, pictures } from './support.ts';

const { checkpoint, model } = await openCheckpoint(t);

/** In nats. */
const TOLERANCE = 1e-5;
const TEXT = ' Öffne die 2. Schublade 🤖, then don’t stop.';
const lengths = [1, 2, 3, 6, 8];

/** A text that follows the prompt, with its tokens. */
function textOf(text: string): ReadText['follows'] {
  const [first, ...others] = checkpoint.encode(text);
  if (first === undefined) throw new Error('The text has no token.');
  return { text, ids: [first, ...others] };
}

t.test('one pass reads each token as a query that is sent the tokens before it', async (t) => {
  const { text, ids } = textOf(TEXT);
  t.ok(ids.length > 12, `${ids.length} tokens`);
  const frames = pictures(8, 1, checkpoint);
  for (const chunk of [
    { blocks: 384, queries: 256 },
    { blocks: 1, queries: 1 },
    { blocks: 10_000, queries: 10_000 },
  ]) {
    const together = await ask({ checkpoint, model, frames, lengths, chunk, read: { follows: { text, ids } } });
    for (const [place, id] of ids.entries()) {
      const [first, ...more] = ids.slice(0, place);
      const start = first === undefined ? {} : { start: { text: '', ids: [first, ...more] as NonEmpty<number> } };
      const alone = await ask({ checkpoint, model, frames, lengths, read: { answers: [[id]], ...start } });
      const differences = lengths.map((length) => {
        const [found, forced] = [together.get(length)?.logProbs[place]?.[0], alone.get(length)?.logProbs[0]?.[0]];
        return Math.abs((found ?? Number.NaN) - (forced ?? Number.NaN));
      });
      t.ok(Math.max(...differences) <= TOLERANCE, `token ${place}: ${Math.max(...differences)} nats`);
    }
  }
});

t.test('a text costs as many calls as one token, and its other tokens', async (t) => {
  const frames = pictures(8, 2, checkpoint);
  const { text, ids } = textOf(TEXT);
  const chunk = { blocks: 384, queries: 10_000 };
  const cost = async (read: Read | undefined, of: number[]) => {
    const { seen, model: counting } = counted(model);
    const answers = await ask({ checkpoint, model: counting, frames, lengths: of, chunk, ...(read && { read }) });
    const computed = [...answers.values()].reduce((sum, each) => sum + each.promptTokens - each.cachedTokens, 0);
    t.equal(seen.tokens, computed, 'the model computed as many tokens as the results report');
    return seen;
  };
  for (const prefixes of [lengths, [8], [7]]) {
    const [one, all] = [await cost(undefined, prefixes), await cost({ follows: { text, ids } }, prefixes)];
    t.equal(all.calls, one.calls, 'calls');
    t.equal(all.blocks, one.blocks, 'blocks');
    t.equal(all.tokens - one.tokens, prefixes.length * (ids.length - 1), 'tokens');
    const single = await cost({ follows: { text, ids: [ids[0]] } }, prefixes);
    t.strictSame(single, one, 'a text of one token costs what an answer costs');
  }
});

t.test('another last token is read in the same pass, alone and among other queries', async (t) => {
  const frames = pictures(8, 4, checkpoint);
  const [follows, or] = [textOf(' Open the drawer.'), textOf(' Open the drawer!')];
  t.strictSame(follows.ids.slice(0, -1), or.ids.slice(0, -1));
  for (const prefixes of [lengths, [8]]) {
    const [both, one, other] = [
      await ask({ checkpoint, model, frames, lengths: prefixes, read: { follows, or } }),
      await ask({ checkpoint, model, frames, lengths: prefixes, read: { follows } }),
      await ask({ checkpoint, model, frames, lengths: prefixes, read: { follows: or } }),
    ];
    for (const length of prefixes) {
      const [found, first, second] = [both, one, other].map((each) => each.get(length));
      t.equal(found?.promptTokens, first?.promptTokens, 'it costs nothing');
      const values = (answer = found) => answer?.logProbs.flatMap((row) => row.slice(0, -1)) ?? [];
      const expected = [...values(first), values(second).at(-1) ?? Number.NaN];
      t.equal(values().length, expected.length);
      const differences = expected.map((value, i) => Math.abs(value - (values()[i] ?? Number.NaN)));
      t.ok(Math.max(...differences) <= TOLERANCE, `${length} frames: ${Math.max(...differences)} nats`);
    }
  }
});

t.test('texts of different lengths, and answers, are read in one call', async (t) => {
  const frames = pictures(8, 3, checkpoint);
  const [long, one, some] = [TEXT, ' Open', ' the drawer slowly'].map((text): Read => ({ follows: textOf(text) }));
  const answers: Read = { answers: [[checkpoint.answer(' True').id, checkpoint.answer(' No').id]] };
  const mixed = [long, answers, one, some];
  const rows: number[][][][] = [];
  const recording: typeof model = {
    ...model,
    read(...call) {
      rows.push(call[2]);
      return model.read(...call);
    },
  };
  const of = [2, 4, 6, 8];
  const chunk = { blocks: 384, queries: 10_000 };
  const together = await ask({ checkpoint, model: recording, frames, lengths: of, chunk, reads: mixed });
  t.equal(rows.at(-1)?.length, 4, 'one call');
  for (const [i, read] of mixed.entries()) {
    const length = of.at(-1 - i) ?? 0;
    const alone = (await ask({ checkpoint, model, frames, lengths: [length], ...(read && { read }) })).get(length);
    const found = together.get(length);
    t.equal(found?.logProbs.length, alone?.logProbs.length);
    const differences = (found?.logProbs ?? []).flatMap((row, at) =>
      row.map((value, k) => Math.abs(value - (alone?.logProbs[at]?.[k] ?? Number.NaN))),
    );
    t.ok(Math.max(...differences) <= TOLERANCE, `query ${i}: ${Math.max(...differences)} nats`);
  }
});

const { address, process: service } = await startServer(t);
const { files, fps, instruction } = await recorded('drawer-open-v3-success');

async function score(more: object, sent = files) {
  const { status, body } = await post(address, sent, { method: 'instruction_likelihood', fps, instruction, ...more });
  return likelihoodOf(t, { statusCode: status, body: JSON.stringify(body) });
}

t.test('the prompt of a result ends before the instruction, and its tokens are counted', async (t) => {
  const bare = instruction.replace(/\.$/, '');
  const options = { instruction: bare, include_token_ids: true, prefixes: { last: 1 } };
  const { provenance, usage, prefixes } = await score(options);
  const prompt = provenance.prompt.token_ids ?? [];
  const before = checkpoint.encode(
    'The above video shows a robot manipulation trajectory that completes the following task:',
  );
  t.same(prompt.slice(-before.length), before);
  const ids = checkpoint.encode(` ${bare}.`);
  t.same(
    provenance.full_stop_tokens.map(({ id }) => id),
    ids,
  );
  t.equal(provenance.full_stop_tokens.map(({ text }) => text).join(''), ` ${bare}.`);
  t.equal(prefixes[0]?.with_full_stop.tokens.length, ids.length);
  t.equal(usage.engine_requests, 1);
  t.equal(usage.prompt_tokens, prompt.length + ids.length - 1);
});

t.test('the full stop of an instruction and the one after it are two tokens of this model', async (t) => {
  const prefixes = { count: 4 };
  const stop = await score({ prefixes });
  const bare = await score({ prefixes, instruction: instruction.slice(0, -1) });
  t.equal(instruction.at(-1), '.');
  t.strictSame([stop.usage.engine_requests, bare.usage.engine_requests], [4, 4], 'one query reads both texts');
  for (const [
    i,
    {
      without_full_stop: { tokens },
    },
  ] of stop.prefixes.entries()) {
    const others = bare.prefixes[i]?.with_full_stop.tokens ?? [];
    t.equal(tokens.length, others.length);
    for (const [at, value] of tokens.entries()) t.ok(Math.abs(value - (others[at] ?? Number.NaN)) <= TOLERANCE);
  }
});

t.test('a step of a growing episode has the numbers of the complete one', async (t) => {
  const digest = (file: Buffer) => createHash('sha256').update(file).digest('hex');
  for (const count of [6, 7, 8]) {
    const some = files.slice(0, count);
    const [grown, whole] = [
      await score({ fps: 2, frame_digests: some.map(digest) }, count === 6 ? some : some.slice(-1)),
      await score({ fps: 2, prefixes: { last: 1 } }, some),
    ];
    const [one, other] = [grown.prefixes[0], whole.prefixes[0]];
    t.equal(one?.length, count);
    const values = other?.with_full_stop.tokens ?? [];
    t.equal(one?.with_full_stop.tokens.length, values.length);
    const differences = values.map((value, i) => Math.abs(value - (one?.with_full_stop.tokens[i] ?? Number.NaN)));
    t.ok(Math.max(...differences) <= TOLERANCE, `${count} frames: ${Math.max(...differences)} nats`);
  }
});

t.test('256 tokens after many prefixes need bounded memory', { skip: process.platform !== 'linux' }, async (t) => {
  const peakMiB = () => {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  };
  const before = peakMiB();
  // Each word is one token.
  const long = Array(255).fill('drawer').join(' ');
  const started = performance.now();
  const { prefixes, provenance } = await score({ instruction: long, prefixes: { every: 1 } });
  t.equal(provenance.full_stop_tokens.length, 256);
  t.equal(prefixes.length, 24);
  t.comment(
    `${Math.round(peakMiB() - before)} MiB more than ${Math.round(before)}, ${Math.round(performance.now() - started)} ms`,
  );
  t.ok(peakMiB() - before < 400, `${peakMiB() - before} MiB`);
});
