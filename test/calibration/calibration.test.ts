import t from 'tap';
import { aucEstimate } from '../../src/calibration/auc.ts';
import { progressBounds } from '../../src/calibration/bounds.ts';
import { calibrate } from '../../src/calibration/calibrate.ts';
import { bestFit, preciseFit, thresholdFits } from '../../src/calibration/threshold.ts';
import { REFERENCE } from '../support/reference-numbers.ts';

const episodes = (successes: number[], failures: number[]) => [
  ...successes.map((score) => ({ success: true, score })),
  ...failures.map((score) => ({ success: false, score })),
];
const few = episodes([-0.1, -0.2, -0.3, -0.4, -1.5], [-1, -2, -3, -4, -5]);
const ranges = (all: [number, number][]) =>
  all.map(([min, max]) => ({ success: true, score: -1, log_prob_range: { min, max } }));
const codes = (request: Parameters<typeof calibrate>[0]) => calibrate(request).warnings.map(({ code }) => code);

t.test('thresholds, confusion and AUC equal those of scikit-learn; the interval equals that of Python', async (t) => {
  for (const { labels, scores, precision, auc, best, precise } of REFERENCE.calibrations) {
    const what = `${scores.length} episodes`;
    const labelled = scores.map((score, i) => ({ score, success: labels[i] as boolean }));
    const fits = thresholdFits(labelled);
    const pairs = [
      [bestFit(fits), best],
      [preciseFit(fits, precision), precise],
    ] as const;
    for (const [fit, wanted] of pairs) {
      if (wanted === null) {
        t.equal(fit, null, what);
        continue;
      }
      const {
        true_positives: tp,
        false_positives: fp,
        true_negatives: tn,
        false_negatives: fn,
      } = fit as NonNullable<typeof fit>;
      t.same([tp, fp, tn, fn], wanted.confusion, what);
      t.ok(Math.abs((fit?.threshold as number) - wanted.threshold) < 1e-12, what);
      t.ok(Math.abs((fit?.precision as number) - wanted.precision) < 1e-12, what);
    }
    const of = (success: boolean) => labelled.filter((one) => one.success === success).map(({ score }) => score);
    const found = aucEstimate(of(true), of(false));
    t.ok(Math.abs(found.value - auc[0]) < 1e-12, `${what}: AUC`);
    t.ok(Math.abs(found.low - auc[1]) < 1e-8, `${what}: low ${found.low} ${auc[1]}`);
    t.ok(Math.abs(found.high - auc[2]) < 1e-8, `${what}: high ${found.high} ${auc[2]}`);
  }
});

t.test('a perfect separation still has an interval', async (t) => {
  const { value, low, high } = aucEstimate([-1, -1, -1, -1, -1], [-2, -2, -2, -2, -2]);
  t.same([value, high], [1, 1]);
  t.ok(low > 0.4 && low < 0.9, String(low));
});

t.test('a threshold is half way between two scores, and accepts no score below it', async (t) => {
  t.equal(bestFit(thresholdFits(episodes([-1, -1.5], [-3, -2.5])))?.threshold, -2);
  t.equal(bestFit(thresholdFits(episodes([-1], [-1]))), null, 'equal scores cannot be separated');
  t.equal(bestFit(thresholdFits(episodes([-2], [-1]))), null, 'the failure has the higher score');
  t.equal(
    thresholdFits(episodes([-1], [-3])).at(-1)?.threshold,
    -3,
    'if all scores are accepted, the threshold is the lowest score',
  );
  const next = -1 - Number.EPSILON;
  t.equal(
    bestFit(thresholdFits(episodes([-1], [next])))?.threshold,
    -1,
    'no number lies between two neighbouring floats',
  );
});

t.test('bounds are medians, so outliers do not change them', async (t) => {
  const all = ranges([
    [-4, -0.1],
    [-4.5, -0.2],
    [-5, -0.3],
    [-400, -0.25],
    [-4.2, -90],
  ]);
  t.same(calibrate({ episodes: all }).bounds, { low: -4.5, high: -0.25 });
  t.same(
    progressBounds([
      { min: -4, max: -1 },
      { min: -2, max: 0 },
    ]),
    { low: -3, high: -0.5 },
  );
  t.equal(progressBounds([{ min: -2, max: -2 }]), null);
});

t.test('the requested precision decides the threshold; if it cannot be reached, the threshold is null', async (t) => {
  const plain = calibrate({ episodes: few });
  t.equal(plain.threshold, -0.7);
  t.equal(plain.precise, null);
  t.equal(calibrate({ episodes: few, precision: 0.8 }).threshold, -1.75);
  t.equal(calibrate({ episodes: few, precision: 1 }).threshold, -0.7);
  const mixed = episodes([-1, -1, -1, -1, -4], [-0.5, -1, -3, -3, -4]);
  const unreachable = calibrate({ episodes: mixed, precision: 0.9 });
  t.equal(unreachable.threshold, null);
  t.equal(unreachable.precise, null);
  t.ok(unreachable.best, 'the best fit is still returned');
  t.same(
    unreachable.warnings.map(({ code }) => code),
    ['few-episodes', 'no-separation', 'precision-unreachable', 'too-few-ranges'],
  );
  const reversed = { episodes: episodes([-5, -5, -5, -5, -5], [-1, -1, -1, -1, -1]) };
  t.equal(calibrate(reversed).threshold, null);
  t.same(codes(reversed), ['few-episodes', 'no-separation', 'no-threshold', 'too-few-ranges']);
});

t.test('too few episodes give null and a warning', async (t) => {
  const nothing = { threshold: null, best: null, precise: null, auc: null, bounds: null };
  const single = { episodes: episodes([-1], []), precision: 0.9 };
  t.match(calibrate(single), nothing);
  t.same(codes(single), ['class-missing', 'too-few-ranges']);
  const four = { episodes: few.slice(0, 9) };
  t.match(calibrate(four), nothing);
  t.same(codes(four), ['too-few-episodes', 'too-few-ranges']);
  t.same(codes({ episodes: few }), ['few-episodes', 'too-few-ranges']);
  const still = ranges([
    [-2, -2],
    [-2, -2],
    [-2, -2],
    [-2, -2],
    [-2, -2],
  ]);
  t.same(codes({ episodes: still }), ['class-missing', 'no-range']);
  const clear = (count: number) => {
    const many = Array.from({ length: count }, (_, i) => -1 - i / 100);
    const failures = episodes(
      [],
      many.map((score) => score - 3),
    );
    return { episodes: [...failures, ...ranges(many.map((score) => [-4, score]))] };
  };
  t.same(codes(clear(20)), []);
  t.same(codes(clear(19)), ['few-episodes']);
});

t.test('a calibration contains the model, prompt and task that it applies to, but not the episodes', async (t) => {
  const belonging = { id: 'a', model: 'm', prompt: 'chat', final_prefixes: 3, task: 'Open.' } as const;
  t.match(calibrate({ ...belonging, episodes: few }), belonging);
  t.notOk('episodes' in calibrate({ episodes: few }));
  t.same(calibrate({ episodes: few }).counts, { episodes: 10, successes: 5, failures: 5, ranges: 0 });
});
