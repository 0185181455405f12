import t from 'tap';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { planPublished } from '../../src/methods/published.ts';
import { trueAndFalse } from '../../src/methods/topreward/prompt.ts';
import { reversedPlan, staticPlan } from '../../src/plan/controls.ts';
import { blocksOf, type EpisodePlan, newestFrames } from '../../src/plan/plan.ts';
import { planEpisode } from '../support/plans.ts';

/** Sampled frames 0, 4, 8, 12 and 16 at 0 s, 0.5 s, … */
const plan = planEpisode(
  { instruction: 'Go.', prompt: 'open', clock: { fps: 8 } },
  [0, 4, 8, 12, 16],
  [1, 5, 9, 13, 17],
);

const shown = (each: EpisodePlan) =>
  each.queries.map((query) => blocksOf(each, query).map(({ frames, time }) => `${frames.join(' ')} ${time}`));

t.test('the episode, for comparison', async (t) => {
  t.strictSame(shown(plan), [
    ['0 4 0.2', '8 12 1.2', '16 16 2.0'],
    ['0 4 0.2', '8 12 1.2'],
    ['0 4 0.2', '8 8 1.0'],
    ['0 4 0.2'],
    ['0 0 0.0'],
  ]);
  t.strictSame(newestFrames(plan), [16, 8, 0]);
});

t.test('a static video repeats the first frame, at the times of the episode', async (t) => {
  const control = staticPlan(plan);
  t.strictSame(control.sampledFrames, [0]);
  t.strictSame(shown(control), [
    ['0 0 0.2', '0 0 1.2', '0 0 2.0'],
    ['0 0 0.2', '0 0 1.2'],
    ['0 0 0.2', '0 0 1.0'],
    ['0 0 0.2'],
    ['0 0 0.0'],
  ]);
  t.strictSame(newestFrames(control), [0]);
  t.strictSame(control.prefixes, plan.prefixes);
});

t.test('a reversed video has the sampled frames from the last to the first, at the times of the episode', async (t) => {
  const control = reversedPlan(plan, 'aligned');
  t.strictSame(control.sampledFrames, [16, 12, 8, 4, 0]);
  t.strictSame(shown(control), [
    ['16 12 0.2', '8 4 1.2', '0 0 2.0'],
    ['16 12 0.2', '8 4 1.2'],
    ['16 12 0.2', '8 8 1.0'],
    ['16 12 0.2'],
    ['16 16 0.0'],
  ]);
  t.strictSame(control.prefixes, plan.prefixes);
});

t.test('a frame that is not sampled has no counterpart in the reversed video', async (t) => {
  const foreign = { ...plan, blocks: [{ frames: [0, 3] as [number, number], time: '0.2' }] };
  t.throws(() => reversedPlan(foreign, 'aligned'), { message: 'Frame 3 is not one of the sampled frames.' });
});

t.test('in the published pipeline, each prefix samples the reversed video', async (t) => {
  const query = { prompt: 'open', text: 'Go.', read: trueAndFalse('open') } as const;
  const published = planPublished(query, QWEN3_VL.published, [5, 9], undefined);
  t.strictSame(shown(published), [
    ['0 3 0.1', '6 8 0.3'],
    ['0 2 0.0', '3 4 0.2'],
  ]);
  const control = reversedPlan(published, 'published');
  t.strictSame(shown(control), [
    ['8 5 0.1', '2 0 0.3'],
    ['8 6 0.0', '5 4 0.2'],
  ]);
  t.strictSame(control.sampledFrames, [8, 5, 2, 0]);
  t.strictSame(
    control.frameGroups.map(({ frames }) => frames.toSorted((one, other) => one - other)),
    [[0, 2, 4, 5, 6, 8]],
  );
});

t.test('a control leaves the plan of the episode as it is', async (t) => {
  const before = JSON.stringify(plan);
  staticPlan(plan);
  reversedPlan(plan, 'aligned');
  t.equal(JSON.stringify(plan), before);
});
