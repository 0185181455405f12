import type { GvlResult } from '../../../schemas/gvl.ts';
import type { EngineUsage, Generated } from '../../engine/engine.ts';
import type { ServedModel } from '../../engine/served-model.ts';
import { frameTime } from '../../episode/clock.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import { generationText } from '../../families/family.ts';
import type { EpisodeWarning } from '../../problems/warnings.ts';
import { madeBy } from '../../result/provenance.ts';
import type { Scored } from '../../result/scored.ts';
import { costOf } from '../../result/usage.ts';
import { profileWarnings } from '../../result/warnings.ts';
import type { GvlPlan } from './plan.ts';
import { type GvlReading, readPercentages, readStructured } from './reading.ts';
import { gvlCorrelation, inTimeOrder } from './score.ts';

/** Everything that a result of GVL is made from. */
interface Written {
  request: EpisodeRequest;
  frames: Scored['frames'];
  plan: GvlPlan;
  generated: Generated;
  usage: EngineUsage;
  served: ServedModel;
}

/** Most frame numbers that a warning names. */
const MOST_NAMED = 20;

/** Builds the result of an episode from what the model wrote. Nothing is filled in: a frame without a number has none. */
export function gvlResult(written: Written): GvlResult {
  const { request, frames, plan, generated, usage } = written;
  const { order } = plan;
  const read = request.gvl.format === 'structured' ? readStructured : readPercentages;
  const reading = read(generated.text, order.length, generated.finish === 'length');
  const inTime = inTimeOrder(order, reading.frames);
  return {
    method: 'gvl',
    ...(request.id !== undefined && { id: request.id }),
    frames: inTime.map(({ frame, shown, value, reason }) => ({
      frame,
      time_s: frameTime(request.clock, frame),
      shown_as: shown,
      percentage: value,
      missing: reason,
    })),
    complete: inTime.every(({ value }) => value !== null),
    voc: gvlCorrelation(inTime) ?? (request.undefinedVoc === 'zero' ? 0 : null),
    text: generated.text,
    finish: generated.finish,
    usage: { ...costOf(usage, generated), generated_tokens: generated.generatedTokens },
    provenance: provenanceOf(written),
    warnings: [...frames.warnings, ...profileWarnings(written.served), ...readingWarnings(reading, generated)],
  };
}

function provenanceOf({ request, frames, plan, generated, served }: Written): GvlResult['provenance'] {
  const { order, seed, generation } = plan;
  const [{ size, resampling }] = generation.frameGroups;
  return {
    ...madeBy(served),
    prompt: {
      text: generationText(served.family, generation.parts),
      ...(request.includeTokenIds && { token_ids: generated.promptTokenIds }),
    },
    format: request.gvl.format,
    max_tokens: generation.maxTokens,
    seed,
    order,
    initial_frame: Math.min(...order),
    frame_size: { source: frames.size, sent: size, resampling },
    ...(frames.video && { video: frames.video }),
  };
}

function readingWarnings(
  { frames, conflicting, unshown }: GvlReading,
  { finish }: Pick<Generated, 'finish'>,
): EpisodeWarning[] {
  const warnings: EpisodeWarning[] = [];
  const missing = frames.filter(({ value }) => value === null).length;
  if (missing > 0) {
    const cut = finish === 'length' ? ' The text was cut off: raise `gvl.max_tokens`.' : '';
    const message = `${missing} of ${frames.length} frames have no percentage. \`missing\` says why, and \`voc\` is that of the others.${cut}`;
    warnings.push({ code: 'frames-without-percentage', message });
  }
  if (conflicting.length > 0) {
    const message = `The model wrote different percentages for the same frame; the first one counts. Frames of the prompt: ${listed(conflicting)}.`;
    warnings.push({ code: 'several-percentages', message });
  }
  if (unshown.length > 0) {
    const message = `The model wrote about frames that it was not shown: ${listed(unshown)}.`;
    warnings.push({ code: 'unknown-frames', message });
  }
  return warnings;
}

function listed(numbers: number[]): string {
  const more = numbers.length - MOST_NAMED;
  return `${numbers.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
