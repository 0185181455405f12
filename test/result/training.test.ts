import t from 'tap';
import { trainingSignals } from '../../src/result/training.ts';
import {
  chunkDeltas,
  cloningWeights,
  rabcWeights,
  statisticsOf,
  usableStatistics,
} from '../../src/scores/cloning-weights.ts';
import { boundedProgress } from '../../src/scores/progress.ts';
import { shapingRewards } from '../../src/scores/shaping.ts';
import { discountedValues, frameRewards } from '../../src/scores/values.ts';
import { REFERENCE } from '../support/reference-numbers.ts';

/** Whether two lists are equal within a relative tolerance of 1e-12. */
function close(found: number[], wanted: number[]): boolean {
  const near = (value: number, i: number) => {
    const other = wanted[i] as number;
    return Math.abs(value - other) <= 1e-12 * Math.max(1, Math.abs(other));
  };
  return found.length === wanted.length && found.every(near);
}

t.test('progress with bounds is clipped, and no prefix depends on another', async (t) => {
  const bounds = { low: -4, high: -2 };
  t.same(boundedProgress([-5, -4, -3, -2, -1], bounds), [0, 0, 0.5, 1, 1]);
  t.same(boundedProgress([-3], bounds), [0.5]);
  t.same(boundedProgress([-3, -3], bounds), [0.5, 0.5], 'equal values are not mapped to 1');
});

t.test('frames without a prefix get their rewards by each method', async (t) => {
  const fill = (missing: 'zero' | 'interpolate' | 'duplicate') => frameRewards([2, 4], [-4, -2], 6, missing);
  t.same(fill('zero'), [0, -4, 0, -2, 0, 0]);
  t.same(fill('interpolate'), [-4, -4, -3, -2, -2, -2]);
  t.same(fill('duplicate'), [-4, -4, -4, -2, -2, -2]);
});

t.test('values are discounted sums up to the end', async (t) => {
  t.same(discountedValues([-1, -2, -4], 0.5), [-3, -4, -4]);
  for (const { lengths, rewards, frames, missing, gamma, values } of REFERENCE.values) {
    const found = discountedValues(frameRewards(lengths, rewards, frames, missing), gamma);
    t.ok(close(found, values), `${frames} frames, ${missing}, γ ${gamma}`);
  }
});

t.test('the discounted sum of shaping rewards is the last potential, discounted, minus the first', async (t) => {
  t.same(shapingRewards([0, 0.5, 1], 1), [0.5, 0.5]);
  t.same(shapingRewards([0.5], 0.99), [], 'a single state has no step');
  const gamma = 0.9;
  const potentials = [0.1, 0.7, 0.4, 1];
  const sum = shapingRewards(potentials, gamma).reduce((total, f, i) => total + gamma ** i * f, 0);
  t.ok(Math.abs(sum - (gamma ** 3 * 1 - 0.1)) < 1e-15);
});

t.test('shaping is γΦ(s′) − Φ(s) from each state to the next', async (t) => {
  for (const { potentials, gamma, rewards } of REFERENCE.shaping)
    t.ok(close(shapingRewards(potentials, gamma), rewards), `${potentials.length} states, γ ${gamma}`);
});

t.test('cloning weights follow the formula of the paper', async (t) => {
  t.same(cloningWeights([0.5, 0.5], 2, 2), [2], 'no progress gives the weight τ');
  for (const { progress, tau, delta_max, weights } of REFERENCE.cloning_weights)
    t.ok(close(cloningWeights(progress, tau, delta_max), weights), `${progress.length} prefixes, τ ${tau}`);
});

t.test('RA-BC weights equal those of LeRobot', async (t) => {
  t.same(chunkDeltas([0, 0.25, 0.5, 1], 2), [0.5, 0.75, 0.5, 0], 'a chunk ends at the last frame at the latest');
  for (const { curve, chunk, kappa, epsilon, pooled, own, used, weights } of REFERENCE.rabc_weights) {
    const deltas = chunkDeltas(curve, chunk);
    const statistics = usableStatistics(pooled ?? statisticsOf(deltas), epsilon);
    const what = `${curve.length} frames, chunk ${chunk}, κ ${kappa}, ${JSON.stringify(pooled)}`;
    t.ok(close(Object.values(statisticsOf(deltas)), [own.mean, own.std]), `${what}: own`);
    t.ok(close(Object.values(statistics), [used.mean, used.std]), `${what}: used`);
    // If σ equals ε, a difference in the last bit of Δ is divided by ε, so the tolerance is larger.
    const found = rabcWeights(deltas, statistics, { kappa, epsilon });
    t.ok(
      found.length === weights.length && found.every((weight, i) => Math.abs(weight - (weights[i] as number)) < 1e-9),
      `${what}: weights`,
    );
  }
});

t.test('an episode with one prefix has all training signals, but no steps', async (t) => {
  const one = { lengths: [3], rewards: [-2], progress: [1], curve: [1, 1, 1], frameCount: 3 };
  const signals = trainingSignals(
    { values: { gamma: 1 }, shaping: {}, cloning_weights: {}, rabc_weights: { chunk: 2 } },
    one,
  );
  t.match(signals, {
    values: { gamma: 1, missing: 'duplicate', per_frame: [-6, -4, -2] },
    shaping: { gamma: 0.99, per_step: [] },
    cloning_weights: { tau: 2, delta_max: 2, per_step: [] },
    rabc_weights: { source: 'episode', statistics: { mean: 0, std: 1e-6 }, episode_statistics: { mean: 0, std: 0 } },
  });
  const weights = signals.rabc_weights?.per_frame ?? [];
  t.same(
    weights.map((weight) => weight.toFixed(9)),
    Array(3).fill('0.400000000'),
    'Δ = 0 with σ = ε: 2ε / (4ε + ε)',
  );
});
