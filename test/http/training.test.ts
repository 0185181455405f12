import { createHash } from 'node:crypto';
import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { postEpisode } from '../support/forms.ts';
import { frameFiles } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

/** The log probability of True rises from −4 to −1 over the sampled frames. */
const app = await buildTestApp(t, {}, stubEngine({ numbers: (share) => [-4 + 3 * share, -0.5] }));
const frames = await frameFiles(6);
const bounds = { low: -4, high: -2 };
const calibration = {
  model: 'stub-model',
  prompt: 'open',
  threshold: -2,
  bounds,
  best: null,
  precise: null,
  auc: null,
  counts: { episodes: 0, successes: 0, failures: 0, ranges: 0 },
  warnings: [],
};
const growing = { frame_digests: frames.map((file) => createHash('sha256').update(file).digest('hex')) };
const ask = async (episode: object) => resultOf(t, await postEpisode(app, { ...EPISODE, ...episode }, frames));
const progress = async (episode: object) => {
  const { prefixes, progress_curve, progress_scale } = await ask(episode);
  return { each: prefixes.map((prefix) => prefix.progress), curve: progress_curve, ...progress_scale };
};

t.test('progress is min-max over the episode, or uses bounds if there are any, or is null if requested', async (t) => {
  const minMax = await progress({});
  t.match(minMax, { scale: 'episode', bounds: null });
  t.same([minMax.each[0], minMax.each.at(-1)], [0, 1]);
  const bounded = await progress({ progress: { bounds } });
  t.same(bounded.each, [0.25, 0.5, 0.75, 1, 1, 1]);
  t.same(bounded.curve, bounded.each);
  t.same([bounded.scale, bounded.bounds], ['bounds', { ...bounds, source: 'request' }]);
  const none = await progress({ progress: { scale: 'none' } });
  t.same(none, { each: frames.map(() => null), curve: null, scale: 'none', bounds: null });
});

t.test(
  'in a growing episode, earlier values do not change, unless the request names an option that changes them',
  async (t) => {
    const codes = async (episode: object) => (await ask({ ...growing, ...episode })).warnings.map(({ code }) => code);
    const plain = await ask(growing);
    t.match(plain, { progress_scale: { scale: 'none', bounds: null }, progress_curve: null });
    t.equal(plain.prefixes[0]?.progress, null);
    t.same(plain.warnings, []);
    const every = { prefixes: { every: 1 } };
    const bounded = { ...every, progress: { bounds }, training: { shaping: { gamma: 1 }, cloning_weights: {} } };
    t.same(await codes(bounded), []);
    t.same((await progress({ ...growing, ...bounded })).each, [0.25, 0.5, 0.75, 1, 1, 1]);
    const named = { ...every, progress: { scale: 'episode' }, training: { values: {}, rabc_weights: { chunk: 2 } } };
    const [warning] = (await ask({ ...growing, ...named })).warnings;
    t.match(warning, { code: 'unfinished-episode', message: /progress, training\.values, training\.rabc_weights\.$/ });
    t.same(await codes({ training: { values: {} } }), ['unfinished-episode']);
  },
);

t.test(
  'bounds of the request take precedence over the calibration, and the scale `episode` ignores bounds',
  async (t) => {
    t.match(await progress({ calibration }), { scale: 'bounds', bounds: { ...bounds, source: 'calibration' } });
    const own = { low: -3, high: -1 };
    t.match(await progress({ calibration, progress: { bounds: own } }), { bounds: { ...own, source: 'request' } });
    t.match(await progress({ calibration, progress: { scale: 'bounds' } }), { bounds: { source: 'calibration' } });
    t.match(await progress({ calibration, progress: { scale: 'episode' } }), { scale: 'episode', bounds: null });
    t.match(await progress({ calibration: { ...calibration, bounds: null } }), { scale: 'episode', bounds: null });
  },
);

t.test('a warning says if a calibrated threshold was made for another number of final prefixes', async (t) => {
  const made = { ...calibration, threshold: -2, final_prefixes: 3 };
  const codes = async (episode: object) => (await ask(episode)).warnings.map(({ code }) => code);
  t.same(await codes({ calibration: made }), []);
  t.same(await codes({ calibration: made, ...growing }), ['calibration-final-prefixes']);
  t.same(await codes({ calibration: made, ...growing, prefixes: { last: 3 } }), []);
  t.same(await codes({ calibration: made, success: { final_prefixes: 2 } }), ['calibration-final-prefixes']);
  t.same(
    await codes({ calibration: made, success: { final_prefixes: 2, threshold: -1 } }),
    [],
    'another threshold is used',
  );
  t.same(
    await codes({ calibration: { ...made, threshold: null }, success: { final_prefixes: 2 } }),
    [],
    'there is no threshold',
  );
  t.same(
    await codes({ calibration: { ...calibration, threshold: -2 }, success: { final_prefixes: 2 } }),
    [],
    'the calibration does not say how many',
  );
});

t.test(
  'the threshold comes from the request, the calibration or the operator, in this order, and its source is named',
  async (t) => {
    const operated = await buildTestApp(t, { SUCCESS_THRESHOLD: -3 });
    const used = async (episode: object) => {
      const { success } = resultOf(t, await postEpisode(operated, { ...EPISODE, ...episode }, frames));
      return [success?.threshold, success?.threshold_source];
    };
    t.same(await used({ calibration, success: { threshold: -1 } }), [-1, 'request']);
    t.same(await used({ calibration }), [-2, 'calibration']);
    t.same(await used({ calibration: { ...calibration, threshold: null } }), [-3, 'operator']);
    t.same(await used({}), [-3, 'operator']);
    t.equal((await ask({ calibration: { ...calibration, threshold: null } })).success, null);
  },
);

t.test('every prefix has log odds', async (t) => {
  // The log probability of True rises from −3.5 to −1; that of False is −0.5.
  const { prefixes } = await ask({});
  t.same(
    prefixes.map(({ log_odds }) => log_odds),
    [-3, -2.5, -2, -1.5, -1, -0.5],
  );
});

t.test('the response has only the training signals that were requested', async (t) => {
  t.equal((await ask({})).training, null);
  t.same((await ask({ training: {} })).training, {
    values: null,
    shaping: null,
    cloning_weights: null,
    rabc_weights: null,
  });
  const { training, prefixes } = await ask({
    progress: { bounds },
    training: { values: {}, shaping: { gamma: 1 }, cloning_weights: {}, rabc_weights: { chunk: 2 } },
  });
  t.equal(training?.values?.per_frame.length, frames.length);
  t.equal(training?.values?.per_frame.at(-1), prefixes.at(-1)?.log_prob_true);
  t.same(training?.shaping, { gamma: 1, per_step: [0.25, 0.25, 0.25, 0, 0] });
  t.equal(training?.cloning_weights?.per_step.length, 5);
  t.same(training?.rabc_weights?.per_frame.slice(0, 3), [1, 1, 1]);
  t.equal(training?.rabc_weights?.source, 'episode');
  const statistics = { mean: 0.1, std: 0.2 };
  const pooled = (await ask({ training: { rabc_weights: { chunk: 2, statistics } } })).training?.rabc_weights;
  t.match(pooled, { source: 'request', statistics });
  t.ok((pooled?.episode_statistics.mean as number) > 0, 'the response has the statistics of this episode, for pooling');
});

t.test('an undefined correlation is null, or 0 if requested', async (t) => {
  const one = { prefixes: { last: 1 } };
  t.equal((await ask(one)).voc, null);
  t.equal((await ask({ ...one, undefined_voc: 'zero' })).voc, 0);
  t.equal((await ask({ undefined_voc: 'zero' })).voc, 1, 'a defined correlation does not change');
});

t.test('with one prefix, training signals per step are empty', async (t) => {
  const training = { values: { missing: 'zero' }, shaping: {}, cloning_weights: {}, rabc_weights: { chunk: 3 } };
  const answer = await ask({ prefixes: { last: 1 }, progress: { bounds }, training });
  t.same(answer.training?.shaping?.per_step, []);
  t.same(answer.training?.cloning_weights?.per_step, []);
  t.ok(Math.abs((answer.training?.values?.per_frame[0] as number) + 0.99 ** 5) < 1e-12, '0.99⁵ of −1');
  t.equal(answer.training?.rabc_weights?.per_frame.length, 6);
});

const REFUSED: [episode: object, code: ProblemCode, place: Partial<Problem>][] = [
  [{ progress: { scale: 'bounds' } }, 'missing-bounds', { pointer: '/progress/bounds' }],
  [
    { progress: { scale: 'bounds' }, calibration: { ...calibration, bounds: null } },
    'missing-bounds',
    { pointer: '/progress/bounds' },
  ],
  [{ progress: { scale: 'episode', bounds } }, 'invalid-request', { pointer: '/progress/bounds' }],
  [{ progress: { bounds: { low: -2, high: -2 } } }, 'invalid-request', { pointer: '/progress/bounds/high' }],
  [{ progress: { bounds: { low: -2, high: 1 } } }, 'invalid-request', { pointer: '/progress/bounds/high' }],
  [{ progress: { bounds: { low: -2 } } }, 'invalid-request', { pointer: '/progress/bounds' }],
  [{ progress: { scale: 'dataset' } }, 'invalid-request', { pointer: '/progress/scale' }],
  [
    { calibration: { ...calibration, bounds: { low: -1, high: -2 } } },
    'invalid-request',
    { pointer: '/calibration/bounds/high' },
  ],
  [{ calibration: { threshold: -1 } }, 'invalid-request', { pointer: '/calibration' }],
  [{ calibration: { ...calibration, threshold: 1 } }, 'invalid-request', { pointer: '/calibration/threshold' }],
  [{ calibration: { ...calibration, model: 'other' } }, 'calibration-mismatch', { pointer: '/calibration/model' }],
  [{ calibration: { ...calibration, prompt: 'chat' } }, 'calibration-mismatch', { pointer: '/calibration/prompt' }],
  [{ calibration, prompt: 'chat' }, 'calibration-mismatch', { pointer: '/calibration/prompt' }],
  [{ training: { shaping: {} } }, 'missing-bounds', { pointer: '/training/shaping' }],
  [{ training: { shaping: {} }, progress: { scale: 'episode' } }, 'missing-bounds', { pointer: '/training/shaping' }],
  [
    { training: { cloning_weights: {} }, progress: { scale: 'none' } },
    'missing-bounds',
    { pointer: '/training/cloning_weights' },
  ],
  [{ ...growing, training: { rabc_weights: { chunk: 2 } } }, 'missing-bounds', { pointer: '/training/rabc_weights' }],
  [{ training: { rabc_weights: {} } }, 'invalid-request', { pointer: '/training/rabc_weights' }],
  [{ training: { rabc_weights: { chunk: 0 } } }, 'invalid-request', { pointer: '/training/rabc_weights/chunk' }],
  [{ training: { values: { gamma: 1.1 } } }, 'invalid-request', { pointer: '/training/values/gamma' }],
  [{ training: { values: { missing: 'nan' } } }, 'invalid-request', { pointer: '/training/values/missing' }],
  [{ training: { advantages: {} } }, 'invalid-request', { pointer: '/training/advantages' }],
];

for (const [episode, code, place] of REFUSED) {
  t.test(`refused: ${JSON.stringify(episode).slice(0, 100)}`, async (t) => {
    isProblem(t, await postEpisode(app, { ...EPISODE, ...episode }, frames), code, place);
  });
}
