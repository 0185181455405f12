import type { Calibration } from '../../schemas/calibration.ts';
import { DEFAULTS } from '../../schemas/defaults.ts';
import type { FrameSizeMode, Pipeline, PromptVariant } from '../../schemas/enumerations.ts';
import { Episode as EpisodeSchema, type PrefixSelection } from '../../schemas/episode.ts';
import type { TrainingOptions } from '../../schemas/training.ts';
import { createChecker } from '../checking/checker.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { ProblemError } from '../problems/problems.ts';
import { type AnswerChoice, chooseAnswers } from './answers.ts';
import type { Clock } from './clock.ts';
import { clockOf, rangeOf } from './clock-options.ts';
import type { ControlTokenCheck } from './control-tokens.ts';
import { checkCurve, type RequestedControls, requestedControls } from './controls.ts';
import { checkInstruction, lacksInstruction } from './instruction.ts';
import { type ChosenMethod, chooseMethod } from './method-options.ts';
import { prefixLengthFault } from './prefixes.ts';
import { type ChosenScale, progressScale } from './progress-scale.ts';
import { checkRewards } from './rewards.ts';
import type { TimeRange } from './time-range.ts';

/** The options of one episode, checked and with every default filled in. */
export interface EpisodeRequest extends ChosenMethod {
  id: string | undefined;
  instruction: string;
  clock: Clock;
  /** For a growing episode: the SHA-256 of every frame so far, or an empty string for a frame that is not sampled. */
  frameDigests: string[] | undefined;
  prefixes: PrefixSelection;
  pipeline: Pipeline;
  frameSize: FrameSizeMode;
  maxPixels: number | undefined;
  prompt: PromptVariant;
  answers: AnswerChoice;
  /** how many of the most likely next tokens to return */
  topAnswers: number | undefined;
  threshold: number | undefined;
  finalPrefixes: number;
  progress: ChosenScale;
  calibration: Calibration | undefined;
  training: TrainingOptions | undefined;
  /** undefined if none is requested */
  controls: RequestedControls | undefined;
  undefinedVoc: 'missing' | 'zero';
  includeTokenIds: boolean;
}

/** The options before the clock is known: the frames of a video have their own times. */
export interface ParsedEpisode extends Omit<EpisodeRequest, 'clock'> {
  clock: Clock | undefined;
  range: TimeRange;
}

const checkEpisode = createChecker(EpisodeSchema);

/**
 * Checks the `episode` of a request.
 * @param pointer JSON pointer to it in the request, for problems
 * @throws ProblemError missing-instruction, special-token-text, ambiguous-clock, invalid-timestamps, invalid-range,
 *   missing-bounds or invalid-request
 */
export function parseEpisode(sent: unknown, pointer: string, controlTokenIn: ControlTokenCheck): ParsedEpisode {
  if (lacksInstruction(sent)) {
    throw new ProblemError('missing-instruction', 'Send in `instruction` what the robot was told to do.', {
      pointer: `${pointer}/instruction`,
    });
  }
  const value = checkEpisode(sent, pointer);
  checkInstruction(value.instruction, `${pointer}/instruction`, controlTokenIn);
  const chosen = chooseMethod(value, pointer);
  const answers = chooseAnswers(value, pointer, controlTokenIn);
  const controls = requestedControls(value, pointer, controlTokenIn);
  checkRewards(value, answers, pointer);
  checkCurve(value, pointer);
  const { frame_size: frameSize = DEFAULTS.frame_size, max_pixels: maxPixels } = value;
  if ((frameSize === 'budget') !== (maxPixels !== undefined)) {
    const detail = 'must be sent with `frame_size: "budget"`, and only with it';
    throw invalidRequest([{ pointer: `${pointer}/max_pixels`, detail }]);
  }
  const pipeline = value.pipeline ?? DEFAULTS.pipeline;
  if (pipeline === 'published') checkPublished(value, pointer);
  return {
    ...chosen,
    id: value.id,
    instruction: value.instruction,
    clock: clockOf(value, pointer),
    range: rangeOf(value, pointer),
    frameDigests: value.frame_digests,
    prefixes: value.prefixes ?? (value.frame_digests ? { last: 1 } : {}),
    pipeline,
    frameSize,
    maxPixels,
    prompt: value.prompt ?? DEFAULTS.prompt,
    answers,
    topAnswers: value.top_answers,
    threshold: value.success?.threshold,
    finalPrefixes: value.success?.final_prefixes ?? DEFAULTS.final_prefixes,
    progress: progressScale(value, pointer),
    calibration: value.calibration,
    training: value.training,
    controls,
    undefinedVoc: value.undefined_voc ?? DEFAULTS.undefined_voc,
    includeTokenIds: value.include_token_ids ?? DEFAULTS.include_token_ids,
  };
}

/** Refuses the options that the published pipeline has no choice about. @throws ProblemError invalid-request */
function checkPublished(value: EpisodeSchema, pointer: string): void {
  const reasons = {
    frame_size: 'cannot be combined with `pipeline: "published"`, which has a size for each prefix; leave it out',
    frame_digests:
      'cannot be combined with `pipeline: "published"`: every prefix shows other frames; send the complete episode',
  } as const;
  const errors = (['frame_size', 'frame_digests'] as const).flatMap((name) =>
    value[name] === undefined ? [] : [{ pointer: `${pointer}/${name}`, detail: reasons[name] }],
  );
  if (errors.length > 0) throw invalidRequest(errors);
}

/**
 * Checks the options that depend on the number of frames.
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-timestamps or invalid-prefixes
 */
export function checkAgainstFrames({ clock, prefixes }: EpisodeRequest, frameCount: number, pointer: string): void {
  if ('timestampsS' in clock && clock.timestampsS.length !== frameCount) {
    const detail = `There are ${clock.timestampsS.length} timestamps for ${frameCount} frames. Send one for each frame.`;
    throw new ProblemError('invalid-timestamps', detail, { pointer: `${pointer}/timestamps_s` });
  }
  const fault = prefixLengthFault(frameCount, prefixes);
  if (fault)
    throw new ProblemError('invalid-prefixes', fault.detail, { pointer: `${pointer}/prefixes${fault.pointer}` });
}

/**
 * Checks that the options fit an episode that is sent as a video.
 * @throws ProblemError ambiguous-clock or invalid-request
 */
export function checkVideoEpisode({ clock, frameDigests }: ParsedEpisode, pointer: string): void {
  if (clock) {
    const detail = 'A video has its own times. Leave `fps` and `timestamps_s` out.';
    const member = 'fps' in clock ? 'fps' : 'timestamps_s';
    throw new ProblemError('ambiguous-clock', detail, { pointer: `${pointer}/${member}` });
  }
  if (frameDigests)
    throw invalidRequest([{ pointer: `${pointer}/frame_digests`, detail: 'cannot be combined with a video' }]);
}
