import type { Calibration, CalibrationRequest } from '../../schemas/calibration.ts';
import type { Warning } from '../../schemas/reward.ts';
import { aucEstimate } from './auc.ts';
import { progressBounds } from './bounds.ts';
import { bestFit, preciseFit, thresholdFits } from './threshold.ts';

/** Fewer successes or failures say nothing about a threshold, and fewer ranges nothing about bounds. */
export const FEWEST = 5;

/** From so many of each on, nothing is warned of: the interval of the AUC tells how sure it is. */
export const ENOUGH = 20;

/**
 * What labelled episodes tell of where success begins. What they do not tell is null, and a warning says why.
 * @param request checked
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
  return { ...belonging, ...found, warnings: warningsOf(found, precision) };
}

/** What is missing or weak, and why. */
function warningsOf(
  { bounds, best, precise, auc, counts }: Omit<Calibration, 'warnings'>,
  precision: number | undefined,
): Warning[] {
  const warnings: Warning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code, message });
  const { successes, failures, ranges } = counts;
  const fewer = Math.min(successes, failures);
  const kinds = `${counted(successes, 'success', 'successes')} and ${counted(failures, 'failure', 'failures')}`;
  if (fewer === 0) {
    warn('class-missing', `There are ${kinds}: no threshold and no AUC without both.`);
  } else if (fewer < FEWEST) {
    warn('too-few-episodes', `There are ${kinds}: no threshold and no AUC below ${FEWEST} of each.`);
  } else if (fewer < ENOUGH) {
    warn('few-episodes', `There are ${kinds}: below ${ENOUGH} of each, new episodes may move the threshold a lot.`);
  }
  if (auc && auc.low <= 0.5) {
    warn('no-separation', 'The interval of the AUC reaches 0.5 or less: the scores may not tell success from failure.');
  }
  if (fewer >= FEWEST && !best) {
    warn('no-threshold', 'No threshold parts these episodes better than chance: successes do not score higher.');
  }
  if (precision !== undefined && fewer >= FEWEST && !precise) {
    warn('precision-unreachable', `No threshold has a precision of ${precision} on these episodes.`);
  }
  if (ranges < FEWEST) {
    const have = counted(ranges, 'success has', 'successes have');
    warn('too-few-ranges', `${have} a \`log_prob_range\`: no bounds for progress below ${FEWEST}.`);
  } else if (!bounds) {
    warn('no-range', 'Successful episodes do not move: the medians of their lowest and highest log p are the same.');
  }
  return warnings;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
