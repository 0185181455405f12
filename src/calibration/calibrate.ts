import type { Calibration, CalibrationRequest } from '../../schemas/calibration.ts';
import type { CalibrationWarning } from '../problems/warnings.ts';
import { aucEstimate } from './auc.ts';
import { progressBounds } from './bounds.ts';
import { bestFit, preciseFit, thresholdFits } from './threshold.ts';

/** A threshold needs at least this many successes and failures. Bounds need at least this many ranges. */
const FEWEST = 5;

/** From this many of each on, there is no warning: the interval of the AUC shows the uncertainty. */
const ENOUGH = 20;

/**
 * Computes a threshold and progress bounds from labelled episodes. A value that cannot be computed is null, and a warning says
 * why.
 * @param request checked against its schema, and by checkScores
 */
export function calibrate(request: CalibrationRequest): Calibration {
  const { episodes, precision, ...belonging } = request;
  const successes = episodes.filter(({ success }) => success);
  const failures = episodes.filter(({ success }) => !success);
  const ranges = successes.flatMap(({ log_prob_range }) => log_prob_range ?? []);
  const isEnough = Math.min(successes.length, failures.length) >= FEWEST;
  const fits = isEnough ? thresholdFits(episodes) : [];
  const best = bestFit(fits);
  const precise = precision === undefined ? null : preciseFit(fits, precision);
  const scores = (labelled: { score: number }[]) => labelled.map(({ score }) => score);
  const auc = isEnough ? aucEstimate(scores(successes), scores(failures)) : null;
  const bounds = ranges.length >= FEWEST ? progressBounds(ranges) : null;
  const counts = {
    episodes: episodes.length,
    successes: successes.length,
    failures: failures.length,
    ranges: ranges.length,
  };
  const threshold = (precision === undefined ? best : precise)?.threshold ?? null;
  const found = { threshold, bounds, best, precise, auc, counts };
  return { ...belonging, ...found, warnings: fitWarnings(found, precision) };
}

/** Warnings about values that are missing or uncertain. */
function fitWarnings(
  { bounds, best, precise, auc, counts }: Omit<Calibration, 'warnings'>,
  precision: number | undefined,
): CalibrationWarning[] {
  const warnings: CalibrationWarning[] = [];
  const warn = (code: CalibrationWarning['code'], message: string) => warnings.push({ code, message });
  const { successes, failures, ranges } = counts;
  const fewer = Math.min(successes, failures);
  const kinds = `${counted(successes, 'success', 'successes')} and ${counted(failures, 'failure', 'failures')}`;
  if (fewer === 0) {
    warn('class-missing', `There are ${kinds}. A threshold and an AUC need both.`);
  } else if (fewer < FEWEST) {
    warn('too-few-episodes', `There are ${kinds}. A threshold and an AUC need at least ${FEWEST} of each.`);
  } else if (fewer < ENOUGH) {
    warn('few-episodes', `There are ${kinds}. Below ${ENOUGH} of each, new episodes may move the threshold a lot.`);
  }
  if (auc && auc.low <= 0.5) {
    warn(
      'no-separation',
      'The confidence interval of the AUC reaches 0.5 or less: the scores may not separate successes from failures.',
    );
  }
  if (fewer >= FEWEST && !best) {
    warn(
      'no-threshold',
      'No threshold separates these episodes better than chance: successes do not score higher than failures.',
    );
  }
  if (precision !== undefined && fewer >= FEWEST && !precise) {
    warn('precision-unreachable', `No threshold has a precision of ${precision} on these episodes.`);
  }
  if (ranges < FEWEST) {
    const have = counted(ranges, 'success has', 'successes have');
    warn('too-few-ranges', `${have} a \`log_prob_range\`. Progress bounds need at least ${FEWEST}.`);
  } else if (!bounds) {
    warn(
      'no-range',
      'There are no progress bounds: the medians of the smallest and largest log probabilities of the successes are the same.',
    );
  }
  return warnings;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
