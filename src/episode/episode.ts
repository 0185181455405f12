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
import { controlTokenProblem } from './control-tokens.ts';
import { prefixLengthFault } from './prefixes.ts';
import { type ChosenScale, type CorrectedScale, correctedScale, progressScale } from './progress-scale.ts';
import { impossibleRewards } from './rewards.ts';
import { firstNotRising } from './rising.ts';
import type { TimeRange } from './time-range.ts';

/** The controls of an episode, at least one. */
export interface RequestedControls {
  static: boolean;
  reversed: boolean;
  otherInstruction: string | undefined;
  /** the scale of progress of the corrected curve */
  correctedScale: CorrectedScale;
}

/** The options of one episode, checked and with every default filled in. */
export interface EpisodeRequest {
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

/** Finds text that the model reads as a control token. */
type ControlTokenCheck = (text: string) => string | undefined;

const checkEpisode = createChecker(EpisodeSchema);

/** Longest episode: three years. Longer times are in a wrong unit, and they would not fit into the time of a block. */
const MAX_SPAN_S = 1e8;

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
  checkText(value.instruction, `${pointer}/instruction`, controlTokenIn);
  const answers = chooseAnswers(value, pointer, controlTokenIn);
  const controls = controlsOf(value, `${pointer}/controls`, controlTokenIn);
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
 * Returns the clock of frames that were not sent as a video.
 * @throws ProblemError missing-clock; invalid-range if the options have a range of a video
 */
export function givenClock({ clock, range }: ParsedEpisode, pointer: string): Clock {
  if (range.fromS !== undefined || range.toS !== undefined) {
    const detail =
      '`from_s` and `to_s` are for a `video` only. Leave them out, and send only the frames of the episode.';
    throw new ProblemError('invalid-range', detail, { pointer });
  }
  if (clock) return clock;
  const detail =
    'Send `fps`, the rate of the frames that you send, or `timestamps_s`. There is no default, because a wrong fps changes the reward without an error.';
  throw new ProblemError('missing-clock', detail, { pointer: `${pointer}/fps` });
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

/** @returns undefined if no control is requested */
function controlsOf(
  episode: EpisodeSchema,
  pointer: string,
  controlTokenIn: ControlTokenCheck,
): RequestedControls | undefined {
  const { controls = {}, frame_digests } = episode;
  const { static: isStatic = false, reversed = false, other_instruction: otherInstruction } = controls;
  if (otherInstruction !== undefined) checkOther(otherInstruction, `${pointer}/other_instruction`, controlTokenIn);
  if (reversed && frame_digests) {
    const detail = 'cannot be combined with `frame_digests`: every new frame would change all of the reversed video';
    throw invalidRequest([{ pointer: `${pointer}/reversed`, detail }]);
  }
  if (!isStatic && !reversed && otherInstruction === undefined) return undefined;
  return { static: isStatic, reversed, otherInstruction, correctedScale: correctedScale(episode) };
}

/** Checks a calibration against the curve that it is for. @throws ProblemError invalid-request */
function checkCurve({ calibration, controls }: EpisodeSchema, pointer: string): void {
  if (calibration?.curve !== 'corrected' || controls?.static) return;
  const detail = 'must be sent with a calibration of the corrected curve';
  throw invalidRequest([{ pointer: `${pointer}/controls/static`, detail }]);
}

function checkOther(instruction: string, pointer: string, controlTokenIn: ControlTokenCheck): void {
  if (instruction.trim() === '') {
    const detail = 'Send in `other_instruction` an instruction that the robot was not given.';
    throw new ProblemError('missing-instruction', detail, { pointer });
  }
  checkText(instruction, pointer, controlTokenIn);
}

function rangeOf({ from_s: fromS, to_s: toS }: EpisodeSchema, pointer: string): TimeRange {
  if (fromS !== undefined && toS !== undefined && fromS >= toS) {
    const detail = `The range ends at ${toS} s, but it starts at ${fromS} s. \`to_s\` must be later than \`from_s\`.`;
    throw new ProblemError('invalid-range', detail, { pointer: `${pointer}/to_s` });
  }
  return { fromS, toS };
}

function lacksInstruction(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  if (!('instruction' in value)) return true;
  const { instruction } = value;
  return instruction === undefined || (typeof instruction === 'string' && instruction.trim() === '');
}

function checkText(instruction: string, pointer: string, controlTokenIn: ControlTokenCheck): void {
  if (!instruction.isWellFormed()) {
    throw invalidRequest([{ pointer, detail: 'contains half of a surrogate pair, which is not valid Unicode' }]);
  }
  const special = controlTokenIn(instruction);
  if (special) throw controlTokenProblem(special, pointer, 'the instruction');
}

function clockOf({ fps, timestamps_s: timestampsS }: EpisodeSchema, pointer: string): Clock | undefined {
  if (fps !== undefined && timestampsS !== undefined) {
    throw new ProblemError('ambiguous-clock', 'Send `fps` or `timestamps_s`, not both.', {
      pointer: `${pointer}/timestamps_s`,
    });
  }
  if (fps !== undefined) return { fps };
  if (timestampsS === undefined) return undefined;
  const falling = firstNotRising(timestampsS);
  if (falling > 0) {
    const detail = `Timestamp ${falling} (${timestampsS[falling]} s) is not later than the one before it.`;
    throw new ProblemError('invalid-timestamps', detail, {
      pointer: `${pointer}/timestamps_s/${falling}`,
      frame: falling,
    });
  }
  const span = (timestampsS.at(-1) ?? 0) - (timestampsS[0] ?? 0);
  if (span > MAX_SPAN_S) {
    const detail = `The timestamps span ${span} s; the limit is ${MAX_SPAN_S} s. Send them in seconds.`;
    throw new ProblemError('invalid-timestamps', detail, { pointer: `${pointer}/timestamps_s`, limit: MAX_SPAN_S });
  }
  return { timestampsS };
}

/**
 * Refuses thresholds and bounds that no reward can reach. Those of a calibration belong to the calibration's own answers.
 * @throws ProblemError invalid-request
 */
function checkRewards(
  { success, progress, calibration }: EpisodeSchema,
  { reward }: AnswerChoice,
  pointer: string,
): void {
  const boundsAt = (at: string, bounds: { low: number; high: number } | null | undefined) =>
    [
      [`${at}/low`, bounds?.low],
      [`${at}/high`, bounds?.high],
    ] as const;
  const mistakes = [
    ...impossibleRewards(
      [
        [`${pointer}/success/threshold`, success?.threshold],
        ...boundsAt(`${pointer}/progress/bounds`, progress?.bounds),
      ],
      { reward },
    ),
    ...impossibleRewards(
      [
        [`${pointer}/calibration/threshold`, calibration?.threshold],
        ...boundsAt(`${pointer}/calibration/bounds`, calibration?.bounds),
      ],
      { reward: calibration?.answers?.reward ?? DEFAULTS.reward, curve: calibration?.curve ?? DEFAULTS.curve },
    ),
  ];
  if (mistakes.length > 0) throw invalidRequest(mistakes);
}
