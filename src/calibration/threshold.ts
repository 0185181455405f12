import type { ThresholdFit } from '../../schemas/calibration.ts';

/** A score and whether its episode was a success. */
export interface Labelled {
  score: number;
  success: boolean;
}

/**
 * Every way to part the episodes by a threshold, the highest first, each with what comes of it. A threshold lies half way
 * between the lowest score that counts as a success and the highest that does not; the last one is the lowest score.
 * @param episodes at least one success and one failure
 */
export function thresholdFits(episodes: Labelled[]): ThresholdFit[] {
  const sorted = episodes.toSorted((a, b) => b.score - a.score);
  const successes = sorted.filter(({ success }) => success).length;
  const failures = sorted.length - successes;
  const fits: ThresholdFit[] = [];
  let truePositives = 0;
  sorted.forEach(({ score, success }, i) => {
    if (success) truePositives += 1;
    const next = sorted[i + 1]?.score;
    if (next === score) return;
    const falsePositives = i + 1 - truePositives;
    fits.push({
      threshold: next === undefined ? score : between(next, score),
      true_positives: truePositives,
      false_positives: falsePositives,
      true_negatives: failures - falsePositives,
      false_negatives: successes - truePositives,
      sensitivity: truePositives / successes,
      specificity: (failures - falsePositives) / failures,
      precision: truePositives / (i + 1),
      // In whole numbers as far as they go, so that equals are equal.
      youden: (truePositives * failures - falsePositives * successes) / (successes * failures),
    });
  });
  return fits;
}

/**
 * The fit with the largest Youden's J (1950): sensitivity + specificity − 1. Of equals, the highest threshold.
 * @returns null where no threshold is better than chance
 */
export function bestFit(fits: ThresholdFit[]): ThresholdFit | null {
  const best = fits.reduce<ThresholdFit | null>((top, fit) => (top && fit.youden <= top.youden ? top : fit), null);
  return best && best.youden > 0 ? best : null;
}

/** The fit with the lowest threshold that has a precision, or null where none has: the most successes found at that price. */
export function preciseFit(fits: ThresholdFit[], precision: number): ThresholdFit | null {
  return fits.findLast((fit) => fit.precision >= precision && fit.true_positives > 0) ?? null;
}

/** Half way, but never the lower one: two neighbouring doubles have nothing between them. */
function between(lower: number, higher: number): number {
  const middle = lower + (higher - lower) / 2;
  return middle > lower ? middle : higher;
}
