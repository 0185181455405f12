import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createBlockCache } from '../../src/engine/embedded/cache.ts';
import { createPasts } from '../../src/engine/embedded/past.ts';
import { ask, counted, distance, openCheckpoint, pictures } from './support.ts';

const { checkpoint, model } = await openCheckpoint(t);

/** In nats: what the order of additions may change. */
const TOLERANCE = 1e-4;
/** Long enough for a few calls of the model. */
const nextTurn = () => sleep(200);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

t.test('one pass gives every prefix what it gets alone, whatever the chunks, cold or cached', async (t) => {
  for (const prompt of ['open', 'chat'] as const) {
    const frames = pictures(13, 1, checkpoint);
    const alone = new Map<number, Awaited<ReturnType<typeof ask>>>();
    for (const length of upTo(13))
      alone.set(length, await ask({ checkpoint, model, frames, prompt, lengths: [length] }));
    for (const chunk of [
      { blocks: 1, questions: 1 },
      { blocks: 60, questions: 130 },
      { blocks: 10_000, questions: 10_000 },
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
});

t.test('what is shown matters: pixels, their order, and the time', async (t) => {
  const frames = pictures(6, 2, checkpoint);
  const backwards = new Map([...frames].map(([index]) => [index, frames.get(5 - index) as never]));
  const whole = (await ask({ checkpoint, model, frames, lengths: [6] })).get(6);
  const other = (await ask({ checkpoint, model, frames: pictures(6, 3, checkpoint), lengths: [6] })).get(6);
  const turned = (await ask({ checkpoint, model, frames: backwards, lengths: [6] })).get(6);
  t.ok(distance(whole, other) > 10 * TOLERANCE, 'other pixels');
  t.ok(distance(whole, turned) > 10 * TOLERANCE, 'another order');
});

t.test('every block is seen and read once, and once more only where an odd last frame doubles it', async (t) => {
  const frames = pictures(12, 4, checkpoint);
  const { seen, model: counting } = counted(model);
  const answers = await ask({ checkpoint, model: counting, frames, lengths: upTo(12) });
  t.equal(seen.blocks, 6 + 6, 'six pairs, six odd prefixes');
  const computed = [...answers.values()].reduce((sum, each) => sum + each.promptTokens - each.cachedTokens, 0);
  t.equal(seen.tokens, computed, 'what was read is what the answers account for');
});

t.test('a step of a growing episode computes its new blocks only', async (t) => {
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

t.test('passes that follow one another find of the last one’s past what is theirs, and nothing else', async (t) => {
  const pasts = createPasts(model.width);
  const cache = createBlockCache(1e8);
  const episodes = [6, 7].map((seed) => pictures(30, seed, checkpoint));
  const first = (episode: number, count: number) => new Map([...(episodes[episode] ?? [])].slice(0, count));
  const asked: [what: string, episode: number, lengths: number[], tenant?: string][] = [
    ['an episode', 0, [4]],
    ['a pair more', 0, [6]],
    ['an odd frame more', 0, [7]],
    ['many more: it needs a larger place', 0, [20]],
    ['fewer', 0, [10]],
    ['all of it again, many prefixes', 0, upTo(21)],
    ['another one', 1, [8]],
    ['another one that is longer', 1, [22]],
    ['the first again', 0, [22]],
    ['for another tenant', 0, [24], 'b'],
    ['for the first one', 0, [24]],
  ];
  for (const [what, episode, lengths, tenant = 'a'] of asked) {
    const frames = first(episode, lengths.at(-1) as number);
    const answers = await ask({ checkpoint, model, frames, lengths, tenant, cache, pasts });
    const fresh = await ask({ checkpoint, model, frames, lengths, tenant });
    for (const length of lengths)
      t.ok(distance(answers.get(length), fresh.get(length)) <= TOLERANCE, `${what}: ${length} frames`);
  }
});

t.test('a step copies what is new to its past, two passes at once never share one', async (t) => {
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
  t.equal(pasts.open(['a', 'b'], 20).holds, 0, 'meanwhile it is nobody else’s');
  two.past.append(tokens(2, 3));
  pasts.close(two.past, ends('a', 'b', 'c'));
  const branch = pasts.open(['a', 'x'], 20);
  t.equal(branch.holds, 1);
  branch.past.append(tokens(3, 3));
  t.strictSame([...branch.past.view(6).keys], [1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3]);
  t.strictSame([...branch.past.view(6).values], [-1, -1, -1, -1, -1, -1, -3, -3, -3, -3, -3, -3]);
  pasts.close(branch.past, ends('a', 'x'));
  t.equal(pasts.open(['a', 'x'], 1000).holds, 0, 'too small for what comes');
});

t.test('tenants share nothing, and neither do other pixels or times', async (t) => {
  const cache = createBlockCache(1e8);
  const frames = pictures(8, 6, checkpoint);
  const asked = { checkpoint, model, frames, lengths: [8], cache };
  t.equal((await ask({ ...asked, tenant: 'alice' })).get(8)?.cachedTokens, 0);
  t.equal((await ask({ ...asked, tenant: 'bob' })).get(8)?.cachedTokens, 0, 'another tenant');
  const again = (await ask({ ...asked, tenant: 'alice' })).get(8);
  t.ok((again?.cachedTokens as number) > (again?.promptTokens as number) / 2, 'the same one');
  const changed = new Map(frames).set(3, pictures(4, 7, checkpoint).get(3) as never);
  const other = (await ask({ ...asked, tenant: 'alice', frames: changed })).get(8)?.cachedTokens as number;
  t.ok(other > 0 && other < (again?.cachedTokens as number) / 2, 'from the changed block on');
});

t.test('an abort stops between two calls, and what was computed is kept', async (t) => {
  const cache = createBlockCache(1e8);
  const frames = pictures(12, 8, checkpoint);
  const chunk = { blocks: 1, questions: 1 };
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
  t.equal(seen.blocks, 3, 'nothing was looked at afterwards');
  const after = counted(model);
  await ask({ ...asked, model: after.model });
  t.equal(after.seen.blocks, 3, 'three blocks were kept');
});

t.test('the model begins while frames are still to come, and the numbers are the same', async (t) => {
  const frames = pictures(40, 9, checkpoint);
  const { seen, model: counting } = counted(model);
  const begun: number[] = [];
  const together = await ask({
    checkpoint,
    model: counting,
    frames,
    lengths: [13, 40],
    arrive: async (frame) => {
      // A turn for the pass, which reads what is there.
      if (frame % 10 === 9) await nextTurn();
      begun.push(seen.blocks);
    },
  });
  t.ok((begun.at(-1) as number) >= 4, `${begun.at(-1)} blocks were seen when the last frame came`);
  const whole = await ask({ checkpoint, model, frames, lengths: [13, 40] });
  for (const length of [13, 40]) t.ok(distance(together.get(length), whole.get(length)) <= TOLERANCE);
});

t.test('frames that cease to come end the pass, and what was computed is kept', async (t) => {
  const frames = pictures(40, 10, checkpoint);
  const cache = createBlockCache(1e8);
  const arrive = async (frame: number) => {
    if (frame < 29) return;
    await nextTurn();
    throw new Error('damaged');
  };
  await t.rejects(ask({ checkpoint, model, frames, lengths: [40], cache, arrive }), /damaged/);
  const { blocks } = cache.state();
  t.ok(blocks > 0 && blocks <= 14, `${blocks} blocks of the 14 that came`);
});
