import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createBlockCache } from '../../../src/engines/embedded/cache.ts';
import { createPasts } from '../../../src/engines/embedded/past.ts';
import { ask, counted, distance, openCheckpoint, pictures } from './support.ts';

const { checkpoint, model } = await openCheckpoint(t);

/** In nats. The order of additions may change results by this much. */
const TOLERANCE = 1e-4;
/** Waits long enough for a few calls of the model. */
const nextTurn = () => sleep(200);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

t.test(
  'one pass gives every prefix the numbers of a separate pass, with any chunk size and any cache state',
  async (t) => {
    for (const prompt of ['open', 'chat'] as const) {
      const frames = pictures(13, 1, checkpoint);
      const alone = new Map<number, Awaited<ReturnType<typeof ask>>>();
      for (const length of upTo(13))
        alone.set(length, await ask({ checkpoint, model, frames, prompt, lengths: [length] }));
      for (const chunk of [
        { blocks: 1, queries: 1 },
        { blocks: 60, queries: 130 },
        { blocks: 10_000, queries: 10_000 },
      ]) {
        const cache = createBlockCache(1e8);
        for (const state of ['cold', 'cached']) {
          const together = await ask({ checkpoint, model, frames, prompt, lengths: upTo(13), chunk, cache });
          const furthest = Math.max(
            ...upTo(13).map((length) => distance(together.get(length), alone.get(length)?.get(length))),
          );
          t.ok(
            furthest <= TOLERANCE,
            `${prompt}, chunks of ${chunk.blocks}, ${state}: ${furthest.toExponential(1)} nats`,
          );
        }
      }
    }
  },
);

t.test('other pixels and another order of frames change the log probabilities', async (t) => {
  const frames = pictures(6, 2, checkpoint);
  const backwards = new Map([...frames].map(([index]) => [index, frames.get(5 - index) as never]));
  const whole = (await ask({ checkpoint, model, frames, lengths: [6] })).get(6);
  const other = (await ask({ checkpoint, model, frames: pictures(6, 3, checkpoint), lengths: [6] })).get(6);
  const turned = (await ask({ checkpoint, model, frames: backwards, lengths: [6] })).get(6);
  t.ok(distance(whole, other) > 10 * TOLERANCE, 'other pixels');
  t.ok(distance(whole, turned) > 10 * TOLERANCE, 'another order');
});

t.test('every block is computed once; an odd last frame adds one doubled block', async (t) => {
  const frames = pictures(12, 4, checkpoint);
  const { seen, model: counting } = counted(model);
  const answers = await ask({ checkpoint, model: counting, frames, lengths: upTo(12) });
  for (const { logProbs } of answers.values())
    t.strictSame([logProbs.length, logProbs[0]?.length], [1, 3], 'both answers and the check token');
  t.equal(seen.blocks, 6 + 6, 'six shared blocks and six doubled blocks');
  const computed = [...answers.values()].reduce((sum, each) => sum + each.promptTokens - each.cachedTokens, 0);
  t.equal(seen.tokens, computed, 'the model computed as many tokens as the results report');
});

t.test('each query has its own answers and the check token, alone or with queries of more answers', async (t) => {
  const frames = pictures(4, 11, checkpoint);
  const rows: number[][][][] = [];
  const recording = {
    ...model,
    read(...call: Parameters<typeof model.read>) {
      rows.push(call[2]);
      return model.read(...call);
    },
  };
  const asked = { checkpoint, model: recording, frames };
  const [many, one] = [[' True', 'True', ' False'], [' True']];
  const [[yes], [bare], [no]] = many.map((text) => [checkpoint.answer(text).id]) as [[number], [number], [number]];
  const checkToken = checkpoint.grid.token;

  const together = await ask({ ...asked, lengths: [2, 4], answers: [many, one] });
  t.strictSame(rows.at(-1), [[[yes, bare, no, checkToken]], [[yes, checkToken, checkToken, checkToken]]]);
  for (const [length, answers, row] of [
    [4, many, [yes, bare, no, checkToken]],
    [2, one, [yes, checkToken]],
  ] as const) {
    rows.length = 0;
    const alone = (await ask({ ...asked, lengths: [length], answers: [answers] })).get(length);
    t.strictSame(rows, [[[row]]], 'a single query is in the same call as the last blocks');
    t.equal(together.get(length)?.logProbs[0]?.length, row.length);
    t.equal(alone?.logProbs[0]?.length, row.length);
    t.ok(distance(together.get(length), alone) <= TOLERANCE, `${length} frames: the same numbers`);
  }
});

t.test('a step of a growing episode computes only its new blocks', async (t) => {
  const cache = createBlockCache(1e8);
  for (const count of [10, 12, 14]) {
    const { seen, model: counting } = counted(model);
    const frames = pictures(count, 5, checkpoint);
    const grown = (await ask({ checkpoint, model: counting, frames, lengths: [count], cache })).get(count);
    const fresh = (await ask({ checkpoint, model, frames, lengths: [count] })).get(count);
    t.ok(distance(grown, fresh) <= TOLERANCE, `${count} frames: the same numbers`);
    t.equal(seen.blocks, count === 10 ? 5 : 1, `${count} frames: blocks`);
    t.equal(seen.tokens, (grown?.promptTokens as number) - (grown?.cachedTokens as number), `${count} frames: tokens`);
  }
});

t.test('a pass reuses exactly its own part of the previous pass’s past', async (t) => {
  const pasts = createPasts(model.width);
  const cache = createBlockCache(1e8);
  const episodes = [6, 7].map((seed) => pictures(30, seed, checkpoint));
  const first = (episode: number, count: number) => new Map([...(episodes[episode] ?? [])].slice(0, count));
  const asked: [what: string, episode: number, lengths: number[], tenant?: string][] = [
    ['an episode', 0, [4]],
    ['one pair of frames more', 0, [6]],
    ['one odd frame more', 0, [7]],
    ['many frames more, which need a larger past', 0, [20]],
    ['fewer frames', 0, [10]],
    ['the same episode with many prefixes', 0, upTo(21)],
    ['another episode', 1, [8]],
    ['the other episode with more frames', 1, [22]],
    ['the first episode again', 0, [22]],
    ['the same episode for another tenant', 0, [24], 'b'],
    ['the same episode for the first tenant', 0, [24]],
  ];
  for (const [what, episode, lengths, tenant = 'a'] of asked) {
    const frames = first(episode, lengths.at(-1) as number);
    const answers = await ask({ checkpoint, model, frames, lengths, tenant, cache, pasts });
    const fresh = await ask({ checkpoint, model, frames, lengths, tenant });
    for (const length of lengths)
      t.ok(distance(answers.get(length), fresh.get(length)) <= TOLERANCE, `${what}: ${length} frames`);
  }
});

t.test('a step copies only new tokens to its past, and concurrent passes never share a past', async (t) => {
  const pasts = createPasts(2);
  const tokens = (value: number, count: number) => ({
    keys: new Float32Array(2 * count).fill(value),
    values: new Float32Array(2 * count).fill(-value),
  });
  const ends = (...links: string[]) => links.map((link, i) => ({ link, tokens: 3 * (i + 1) }));
  const one = pasts.open([], 20);
  t.equal(one.holds, 0);
  one.past.append(tokens(1, 6));
  pasts.close(one.past, ends('a', 'b'));
  const two = pasts.open(['a', 'b'], 20);
  t.equal(two.holds, 2);
  t.equal(two.past, one.past);
  t.equal(pasts.open(['a', 'b'], 20).holds, 0, 'no other pass gets a past that is in use');
  two.past.append(tokens(2, 3));
  pasts.close(two.past, ends('a', 'b', 'c'));
  const branch = pasts.open(['a', 'x'], 20);
  t.equal(branch.holds, 1);
  branch.past.append(tokens(3, 3));
  t.strictSame([...branch.past.view(6).keys], [1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3]);
  t.strictSame([...branch.past.view(6).values], [-1, -1, -1, -1, -1, -1, -3, -3, -3, -3, -3, -3]);
  pasts.close(branch.past, ends('a', 'x'));
  t.equal(pasts.open(['a', 'x'], 1000).holds, 0, 'a past that is too small is not reused');
});

t.test('tenants share no cached blocks, and neither do episodes after their first different block', async (t) => {
  const cache = createBlockCache(1e8);
  const frames = pictures(8, 6, checkpoint);
  const asked = { checkpoint, model, frames, lengths: [8], cache };
  t.equal((await ask({ ...asked, tenant: 'alice' })).get(8)?.cachedTokens, 0);
  t.equal((await ask({ ...asked, tenant: 'bob' })).get(8)?.cachedTokens, 0, 'another tenant');
  const again = (await ask({ ...asked, tenant: 'alice' })).get(8);
  t.ok((again?.cachedTokens as number) > (again?.promptTokens as number) / 2, 'the same tenant');
  const changed = new Map(frames).set(3, pictures(4, 7, checkpoint).get(3) as never);
  const other = (await ask({ ...asked, tenant: 'alice', frames: changed })).get(8)?.cachedTokens as number;
  t.ok(other > 0 && other < (again?.cachedTokens as number) / 2, 'only the blocks before the changed one are found');
});

t.test('an abort stops the pass between two calls, and computed blocks stay in the cache', async (t) => {
  const cache = createBlockCache(1e8);
  const frames = pictures(12, 8, checkpoint);
  const chunk = { blocks: 1, queries: 1 };
  const stop = new AbortController();
  const { seen, model: counting } = counted(model);
  const stopping = {
    ...counting,
    read(...call: Parameters<typeof counting.read>) {
      if (seen.blocks === 3) stop.abort(new Error('gone'));
      return counting.read(...call);
    },
  };
  const asked = { checkpoint, frames, lengths: [12], cache, chunk };
  await t.rejects(ask({ ...asked, model: stopping, signal: stop.signal }), /gone/);
  t.equal(seen.blocks, 3, 'no block was computed after the abort');
  const after = counted(model);
  await ask({ ...asked, model: after.model });
  t.equal(after.seen.blocks, 3, 'three blocks were in the cache');
});

t.test('the model starts before all frames have arrived, and the numbers are the same', async (t) => {
  const frames = pictures(40, 9, checkpoint);
  const { seen, model: counting } = counted(model);
  const begun: number[] = [];
  const together = await ask({
    checkpoint,
    model: counting,
    frames,
    lengths: [13, 40],
    arrive: async (frame) => {
      // This lets the pass compute the blocks that have arrived.
      if (frame % 10 === 9) await nextTurn();
      begun.push(seen.blocks);
    },
  });
  t.ok((begun.at(-1) as number) >= 4, `${begun.at(-1)} blocks were computed when the last frame arrived`);
  const whole = await ask({ checkpoint, model, frames, lengths: [13, 40] });
  for (const length of [13, 40]) t.ok(distance(together.get(length), whole.get(length)) <= TOLERANCE);
});

t.test('a pass ends if its frames cannot all be rendered, and computed blocks stay in the cache', async (t) => {
  const frames = pictures(40, 10, checkpoint);
  const cache = createBlockCache(1e8);
  const arrive = async (frame: number) => {
    if (frame < 29) return;
    await nextTurn();
    throw new Error('damaged');
  };
  await t.rejects(ask({ checkpoint, model, frames, lengths: [40], cache, arrive }), /damaged/);
  const { blocks } = cache.state();
  t.ok(blocks > 0 && blocks <= 14, `${blocks} blocks of the 14 that arrived`);
});
