import type { Episode } from '../../schemas/episode.ts';
import type { CalibrationBounds, ProgressScale } from '../../schemas/progress.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { ProblemError } from '../problems/problems.ts';

/** The scale of progress. Only scale `bounds` has bounds. */
export type ChosenScale =
  | { scale: 'episode' | 'none'; bounds: null }
  | { scale: 'bounds'; bounds: NonNullable<ProgressScale['bounds']> };

/** The scale of progress of the corrected curve. */
export type CorrectedScale =
  | { scale: 'episode' | 'none'; bounds: null }
  | { scale: 'bounds'; bounds: CalibrationBounds };

/**
 * Chooses the scale of progress for a request. Bounds of the request come before those of its calibration. A growing episode is
 * min-max scaled only if the request names this scale, because every new frame can change the progress of earlier ones.
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-request if `low` is not below `high` or bounds contradict the scale; missing-bounds
 */
export function progressScale(episode: Episode, pointer: string): ChosenScale {
  const { progress, calibration } = episode;
  checkOrder(progress?.bounds, `${pointer}/progress/bounds`);
  checkOrder(calibration?.bounds, `${pointer}/calibration/bounds`);
  const chosen = chooseScale(episode, pointer);
  checkTraining(episode, chosen, pointer);
  return chosen;
}

function chooseScale({ progress, calibration, frame_digests }: Episode, pointer: string): ChosenScale {
  const given = progress?.bounds;
  const scale = progress?.scale;
  if (given && scale !== undefined && scale !== 'bounds') {
    const detail = `cannot be combined with scale "${scale}", only with "bounds"`;
    throw invalidRequest([{ pointer: `${pointer}/progress/bounds`, detail }]);
  }
  if (scale === 'episode' || scale === 'none') return { scale, bounds: null };
  if (given) return { scale: 'bounds', bounds: { ...given, source: 'request' } };
  // Bounds of the corrected curve are for that curve only: see correctedScale.
  if (calibration?.bounds && calibration.curve !== 'corrected')
    return { scale: 'bounds', bounds: { ...calibration.bounds, source: 'calibration' } };
  if (scale === 'bounds') {
    const detail = `Scale "bounds" requires progress bounds. Send ${boundsFor(calibration)}.`;
    throw new ProblemError('missing-bounds', detail, { pointer: `${pointer}/progress/bounds` });
  }
  return { scale: frame_digests ? 'none' : 'episode', bounds: null };
}

/**
 * Chooses the scale of progress of the corrected curve, with the same rules. Only a calibration of this curve has bounds for it:
 * bounds of log probabilities say nothing about it.
 */
export function correctedScale({ progress, calibration, frame_digests }: Episode): CorrectedScale {
  const scale = progress?.scale;
  if (scale === 'episode' || scale === 'none') return { scale, bounds: null };
  if (calibration?.curve === 'corrected' && calibration.bounds) return { scale: 'bounds', bounds: calibration.bounds };
  return { scale: frame_digests ? 'none' : 'episode', bounds: null };
}

/** Cloning and RA-BC weights need progress. Shaping needs progress that no later frame changes. */
function checkTraining({ training, calibration }: Episode, { scale }: ChosenScale, pointer: string): void {
  if (training?.shaping && scale !== 'bounds') {
    const detail = `Shaping rewards require progress bounds. Send ${boundsFor(calibration)}.`;
    throw new ProblemError('missing-bounds', detail, { pointer: `${pointer}/training/shaping` });
  }
  for (const name of ['cloning_weights', 'rabc_weights'] as const) {
    if (!training?.[name] || scale !== 'none') continue;
    const detail = `\`${name}\` requires progress. Send ${boundsFor(calibration)}, or \`progress.scale\` "episode".`;
    throw new ProblemError('missing-bounds', detail, { pointer: `${pointer}/training/${name}` });
  }
}

/** What a request can send to have bounds. The bounds of a calibration of the corrected curve are not for its progress. */
function boundsFor(calibration: Episode['calibration']): string {
  const kind = calibration?.curve === 'corrected' ? 'of the curve "episode" with bounds' : 'that has bounds';
  return `\`progress.bounds\`, or a \`calibration\` ${kind}`;
}

function checkOrder(bounds: { low: number; high: number } | null | undefined, pointer: string): void {
  if (!bounds || bounds.low < bounds.high) return;
  throw invalidRequest([{ pointer: `${pointer}/high`, detail: 'must be above `low`' }]);
}
