import type { Episode } from '../../schemas/episode.ts';
import type { ProgressScale } from '../../schemas/progress.ts';
import { invalidRequest } from '../field-errors.ts';
import { ProblemError } from '../problems.ts';

/** How progress is made; with `bounds`, they are there. */
export type ChosenScale =
  | { scale: 'episode' | 'none'; bounds: null }
  | { scale: 'bounds'; bounds: NonNullable<ProgressScale['bounds']> };

/**
 * The scale of progress that a request asks for. Bounds of the request come before those of its calibration. An episode
 * that still grows is not scaled by itself unless that is asked for by name: a new frame would change its past.
 * @param pointer where the episode stands in the request
 * @throws ProblemError invalid-request where bounds are upside down or contradict the scale; missing-bounds
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
    const detail = `goes with scale "bounds", not "${scale}"`;
    throw invalidRequest([{ pointer: `${pointer}/progress/bounds`, detail }]);
  }
  if (scale === 'episode' || scale === 'none') return { scale, bounds: null };
  if (given) return { scale: 'bounds', bounds: { ...given, source: 'request' } };
  if (calibration?.bounds) return { scale: 'bounds', bounds: { ...calibration.bounds, source: 'calibration' } };
  if (scale === 'bounds') {
    const detail = 'Give `bounds` beside the scale, or a `calibration` that has them.';
    throw new ProblemError('missing-bounds', detail, { pointer: `${pointer}/progress/bounds` });
  }
  return { scale: frame_digests ? 'none' : 'episode', bounds: null };
}

/** What is computed from progress needs some; shaping needs progress that no later frame changes. */
function checkTraining({ training }: Episode, { scale }: ChosenScale, pointer: string): void {
  if (training?.shaping && scale !== 'bounds') {
    const detail =
      'Shaping rewards require progress bounds: give `progress.bounds`, or a `calibration` that has bounds.';
    throw new ProblemError('missing-bounds', detail, { pointer: `${pointer}/training/shaping` });
  }
  for (const name of ['cloning_weights', 'rabc_weights'] as const) {
    if (!training?.[name] || scale !== 'none') continue;
    const detail = `\`${name}\` require progress: give \`progress.bounds\`, a \`calibration\` that has them, or \`progress.scale\` "episode".`;
    throw new ProblemError('missing-bounds', detail, { pointer: `${pointer}/training/${name}` });
  }
}

function checkOrder(bounds: { low: number; high: number } | null | undefined, pointer: string): void {
  if (!bounds || bounds.low < bounds.high) return;
  throw invalidRequest([{ pointer: `${pointer}/high`, detail: 'must be above `low`' }]);
}
