import { readFileSync } from 'node:fs';

import type { MissingRewards } from '../../src/scores/values.ts';

type Statistics = { mean: number; std: number };
type Outcome = { threshold: number; confusion: [number, number, number, number]; precision: number };

/** Results of numpy, scipy, scikit-learn, Pillow and Python for the formulas of the method. reference_numbers.py writes them. */
export const REFERENCE = JSON.parse(
  readFileSync(new URL('../fixtures/reference_numbers.json', import.meta.url), 'utf8'),
) as {
  schedules: { frames: number; fps: number; indices: number[] }[];
  prefix_lengths: { frames: number; count: number; lengths: number[] }[];
  one_decimal: { value: number; text: string }[];
  correlations: { values: number[]; voc: number | null }[];
  interpolations: { lengths: number[]; progress: number[]; frames: number; curve: number[] }[];
  values: {
    lengths: number[];
    rewards: number[];
    frames: number;
    missing: MissingRewards;
    gamma: number;
    values: number[];
  }[];
  shaping: { potentials: number[]; gamma: number; rewards: number[] }[];
  cloning_weights: { progress: number[]; tau: number; delta_max: number; weights: number[] }[];
  rabc_weights: {
    curve: number[];
    chunk: number;
    kappa: number;
    epsilon: number;
    pooled: Statistics | null;
    own: Statistics;
    used: Statistics;
    weights: number[];
  }[];
  calibrations: {
    labels: boolean[];
    scores: number[];
    precision: number;
    auc: [value: number, low: number, high: number];
    best: Outcome | null;
    precise: Outcome | null;
  }[];
  resized: { source: [number, number]; target: [number, number]; sha256: string }[];
};
