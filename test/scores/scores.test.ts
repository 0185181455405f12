import t from 'tap';
import { denseCurve, minMaxProgress } from '../../src/scores/progress.ts';
import { finalScore } from '../../src/scores/success.ts';
import { valueOrderCorrelation } from '../../src/scores/value-order-correlation.ts';
import { frameRewards } from '../../src/scores/values.ts';
import { noFaults } from '../support/faults.ts';
import { REFERENCE } from '../support/reference-numbers.ts';

t.test('progress is min-max normalised; a single value and equal values give 1', async (t) => {
  t.same(minMaxProgress([-3, -1, -2]), [0, 1, 0.5]);
  t.same(minMaxProgress([-3]), [1]);
  t.same(minMaxProgress([-3, -3]), [1, 1]);
});

t.test('the dense curve equals numpy.interp over frames', async (t) => {
  for (const { lengths, progress, frames, curve } of REFERENCE.interpolations) {
    const found = denseCurve(lengths, progress, frames);
    const faults = found.flatMap((value, i) =>
      Math.abs(value - (curve[i] as number)) < 1e-12 ? [] : [`frame ${i}: ${value}, not ${curve[i]}`],
    );
    noFaults(t, faults, `${frames} frames`);
  }
});

t.test('rounding errors never take the dense curve out of 0…1', async (t) => {
  // 0.05 − (0.05 · 3) / 3 is below 0 in binary arithmetic.
  t.same(denseCurve([1, 4], [0.05, 0], 4).at(-1), 0);
  const faults: string[] = [];
  for (let percent = 0; percent <= 100; percent += 1) {
    for (const progress of [
      [percent / 100, 0],
      [percent / 100, 1],
    ])
      for (const gap of [2, 3, 7, 48]) {
        const curve = denseCurve([1, 1 + gap], progress, 1 + gap);
        if (!curve.every((value) => value >= 0 && value <= 1)) faults.push(`${progress} over ${gap} frames: ${curve}`);
      }
  }
  noFaults(t, faults, 'within 0…1');
});

t.test('a prefix without a value is an error, not a gap in the curve', async (t) => {
  t.throws(() => denseCurve([1, 3], [0], 4), RangeError);
  t.throws(() => denseCurve([], [], 4), RangeError);
  t.throws(() => frameRewards([], [], 4, 'duplicate'), RangeError);
});

t.test('value-order correlation is Spearman’s rank correlation, and ties get average ranks', async (t) => {
  for (const { values, voc } of REFERENCE.correlations) {
    const found = valueOrderCorrelation(values);
    if (voc === null) t.equal(found, null);
    else t.ok(Math.abs((found as number) - voc) < 1e-12, JSON.stringify(values));
  }
  t.equal(valueOrderCorrelation([-1]), null, 'a single value has no order');
});

t.test('the score is the mean of the final values', async (t) => {
  t.equal(finalScore([-9, -1, -2, -3], 3), -2);
  t.equal(finalScore([-1, -2], 3), -1.5, 'of all values if there are fewer');
});

t.test('the curve equals the progress of each prefix exactly, and never exceeds 1', async (t) => {
  for (let frames = 2; frames < 12; frames += 1) {
    for (let low = 0; low < 1; low += 0.005) {
      const curve = denseCurve([1, frames], [low, 1], frames);
      if (curve[0] !== low || curve.at(-1) !== 1 || Math.max(...curve) > 1) t.fail(`${low} over ${frames} frames`);
    }
  }
  t.strictSame(denseCurve([1, 4], [0.075, 1], 4).at(-1), 1);
});
