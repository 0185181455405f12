import type { ControlCurve, Controls } from '../../../schemas/controls.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import type { ControlName } from '../../plan/controls.ts';
import { readingOf, type Scored, type ScoredControl } from '../../result/scored.ts';
import { tokensOf } from '../../result/usage.ts';
import { extent } from '../../scores/progress.ts';
import { valueOrderCorrelation } from '../../scores/value-order-correlation.ts';

/** The requested controls of an episode, or null if none was requested. */
export function controlsOf({ request, controls }: Scored): Controls | null {
  if (!request.controls) return null;
  const curve = (name: ControlName): ControlCurve | null => {
    const control = controls.find((each) => each.name === name);
    return control ? curveOf(control, request) : null;
  };
  return { static: curve('static'), reversed: curve('reversed'), other_instruction: curve('other_instruction') };
}

function curveOf({ plan, readings }: ScoredControl, request: EpisodeRequest): ControlCurve {
  const logProbs = plan.prefixes.map(({ query }) => logProbTrue(readingOf(readings, query).values));
  const { min, max } = extent(logProbs);
  return {
    log_prob_true: logProbs,
    span: max - min,
    voc: correlationOf(logProbs, request),
    ...tokensOf([...readings.values()]),
  };
}

/** @param values log probabilities of True and of False, nats */
function logProbTrue([value = Number.NaN]: readonly number[]): number {
  return value;
}

/** VOC of a curve, with the value that the request wants if it is undefined. */
export function correlationOf(values: number[], { undefinedVoc }: Pick<EpisodeRequest, 'undefinedVoc'>): number | null {
  return valueOrderCorrelation(values) ?? (undefinedVoc === 'zero' ? 0 : null);
}
