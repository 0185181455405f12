import type { ThresholdFit } from '../../schemas/calibration.ts';

/** The score of an episode in nats, and whether the episode was a success. */
interface Labelled {
  score: number;
  success: boolean;
}

/**
 * All thresholds that divide the episodes in different ways, the highest first, each with its results. A threshold is halfway
 * between the lowest score that counts as a success and the highest score that does not. The last one is the lowest score.
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
      // Computed from whole numbers, so that equal values compare as equal.
      youden: (truePositives * failures - falsePositives * successes) / (successes * failures),
    });
  });
  return fits;
}

/**
 * The fit with the largest Youden's J (1950): sensitivity + specificity − 1. If several are equal, the highest threshold.
 * @returns null if no threshold is better than chance
 */
export function bestFit(fits: ThresholdFit[]): ThresholdFit | null {
  const best = fits.reduce<ThresholdFit | null>((top, fit) => (top && fit.youden <= top.youden ? top : fit), null);
  return best && best.youden > 0 ? best : null;
}

/** The fit with the lowest threshold that has this precision, which finds the most successes; null if no threshold has it. */
export function preciseFit(fits: ThresholdFit[], precision: number): ThresholdFit | null {
  return fits.findLast((fit) => fit.precision >= precision && fit.true_positives > 0) ?? null;
}

/** The midpoint, but never the lower value: two neighbouring doubles have no number between them. */
function between(lower: number, higher: number): number {
  const middle = lower + (higher - lower) / 2;
  return middle > lower ? middle : higher;
}
