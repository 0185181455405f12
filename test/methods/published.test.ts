import t from 'tap';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { planPublished } from '../../src/methods/published.ts';

const QUERY = { prompt: 'open', text: 'Is it done?', read: { answers: [[' True'], [' False']] } } as const;

t.test('frames are rendered once for each size, the size of the longest prefix first', async (t) => {
  const plan = planPublished(QUERY, QWEN3_VL.published, [4, 10, 2952], undefined);
  t.strictSame(
    plan.frameGroups.map(({ size, resampling, frames }) => [size.width, resampling, frames.length]),
    [
      [288, 'published', 246],
      [320, 'published', 6],
    ],
  );
  t.strictSame(
    plan.queries.map(({ framesUsed, frameGroup, shows, own }) => [framesUsed, frameGroup, shows, own.length]),
    [
      [246, 0, 0, 123],
      [4, 1, 0, 2],
      [4, 1, 0, 2],
    ],
  );
  t.strictSame(
    plan.prefixes.map(({ length, query }) => [length, query]),
    [
      [4, 2],
      [10, 1],
      [2952, 0],
    ],
  );
});

t.test('a model that accepts one size only gets the published frames at this size', async (t) => {
  const size = { width: 128, height: 128 };
  const plan = planPublished(QUERY, QWEN3_VL.published, [4, 2952], size);
  t.match(plan.frameGroups, [{ size, resampling: 'pillow-bicubic' }]);
  t.equal(plan.frameGroups.length, 1);
});
