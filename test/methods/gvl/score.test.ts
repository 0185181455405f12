import t from 'tap';
import { permutation } from '../../../src/methods/gvl/permutation.ts';
import { type FrameReading, readPercentages } from '../../../src/methods/gvl/reading.ts';
import { gvlCorrelation, inTimeOrder } from '../../../src/methods/gvl/score.ts';
import { REFERENCE } from '../../support/reference-numbers.ts';

const value = (value: number): FrameReading => ({ value, reason: null });
const none: FrameReading = { value: null, reason: 'not-mentioned' };

t.test('readings are put into the order of time', async (t) => {
  t.strictSame(inTimeOrder([9, 1, 5], [value(90), none, value(50)]), [
    { ...none, frame: 1, shown: 2 },
    { ...value(50), frame: 5, shown: 3 },
    { ...value(90), frame: 9, shown: 1 },
  ]);
});

t.test('the correlation equals that of SciPy, in whatever order the frames were shown', async (t) => {
  for (const [seed, { values, voc }] of REFERENCE.correlations.entries()) {
    const frames = permutation(seed, values.length);
    const shown = frames.map((frame) => value(values[frame] ?? Number.NaN));
    const correlation = gvlCorrelation(inTimeOrder(frames, shown));
    if (voc === null) t.equal(correlation, null, `${values}`);
    else t.ok(Math.abs((correlation ?? Number.NaN) - voc) < 1e-12, `${values}: ${correlation}, expected ${voc}`);
  }
});

t.test('frames without a value do not count', async (t) => {
  const readings = [value(0), none, value(10), value(5), none, value(20)];
  t.equal(gvlCorrelation(readings), gvlCorrelation([value(0), value(10), value(5), value(20)]));
  t.equal(gvlCorrelation(readings), 0.8);
});

t.test('the correlation is undefined without two different values', async (t) => {
  t.equal(gvlCorrelation([]), null);
  t.equal(gvlCorrelation([none, value(5), none]), null);
  t.equal(gvlCorrelation([value(5), none, value(5), value(5)]), null);
});

t.test('an answer that tells the order of time has the correlation 1', async (t) => {
  const frames = permutation(42, 15).map((i) => 1 + 7 * i);
  const answer = frames.map((frame, i) => `Frame ${i + 1}: Task Completion Percentages:${frame}%`).join('\n');
  t.equal(gvlCorrelation(inTimeOrder(frames, readPercentages(answer, 15).frames)), 1);
});
