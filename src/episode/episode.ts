import type { Calibration } from '../../schemas/calibration.ts';
import { Episode as EpisodeSchema, type PrefixSelection } from '../../schemas/episode.ts';
import type { TrainingOptions } from '../../schemas/training.ts';
import { createChecker } from '../checker.ts';
import { invalidRequest } from '../field-errors.ts';
import type { FrameSizeMode } from '../plan/frame-size.ts';
import { type PromptVariant, specialTokenText } from '../plan/prompt.ts';
import { ProblemError } from '../problems.ts';
import { DEFAULT_LAST } from '../scores/success.ts';
import type { TimeRange } from '../video/probe.ts';
import type { Clock } from './clock.ts';
import { prefixLengthFault } from './prefixes.ts';
import { type ChosenScale, progressScale } from './progress-scale.ts';

/** What is asked about one episode, checked and with every default filled in. */
export interface EpisodeRequest {
  id: string | undefined;
  instruction: string;
  clock: Clock;
  /** For an episode that grows: SHA-256 of every frame so far, empty for one that is not shown. */
  frameDigests: string[] | undefined;
  prefixes: PrefixSelection;
  frameSize: FrameSizeMode;
  maxPixels: number | undefined;
  prompt: PromptVariant;
  threshold: number | undefined;
  last: number;
  progress: ChosenScale;
  calibration: Calibration | undefined;
  training: TrainingOptions | undefined;
  undefinedVoc: 'missing' | 'zero';
  includeTokenIds: boolean;
}

/** The same as it was asked: the frames of a video bring their own clock. */
export interface AskedEpisode extends Omit<EpisodeRequest, 'clock'> {
  clock: Clock | undefined;
  range: TimeRange;
}

const checkEpisode = createChecker(EpisodeSchema);

/** Longest episode: three years. Anything longer is a mistake of units, and past what a block's time can say. */
const MAX_SPAN_S = 1e8;

/**
 * Checks the `episode` of a request.
 * @param pointer where it stands in the request, for problems
 * @throws ProblemError missing-instruction, special-token-text, ambiguous-clock, invalid-timestamps, invalid-range,
 *   missing-bounds or invalid-request
 */
export function parseEpisode(asked: unknown, pointer: string): AskedEpisode {
  if (lacksInstruction(asked)) {
    throw new ProblemError('missing-instruction', 'Say in `instruction` what the robot was told to do.', {
      pointer: `${pointer}/instruction`,
    });
  }
  const value = checkEpisode(asked, pointer);
  checkText(value.instruction, `${pointer}/instruction`);
  const { frame_size: frameSize = 'reference', max_pixels: maxPixels } = value;
  if ((frameSize === 'budget') !== (maxPixels !== undefined)) {
    const detail = '`max_pixels` and `frame_size: "budget"` go together.';
    throw invalidRequest([{ pointer: `${pointer}/max_pixels`, detail }]);
  }
  return {
    id: value.id,
    instruction: value.instruction,
    clock: clockOf(value, pointer),
    range: rangeOf(value, pointer),
    frameDigests: value.frame_digests,
    prefixes: value.prefixes ?? (value.frame_digests ? { last: 1 } : {}),
    frameSize,
    maxPixels,
    prompt: value.prompt ?? 'open',
    threshold: value.success?.threshold,
    last: value.success?.last ?? DEFAULT_LAST,
    progress: progressScale(value, pointer),
    calibration: value.calibration,
    training: value.training,
    undefinedVoc: value.undefined_voc ?? 'missing',
    includeTokenIds: value.include_token_ids ?? false,
  };
}

/**
 * Checks what can only be known with the frames at hand.
 * @throws ProblemError invalid-timestamps or invalid-prefixes
 */
export function checkAgainstFrames({ clock, prefixes }: EpisodeRequest, frameCount: number, pointer: string): void {
  if ('timestampsS' in clock && clock.timestampsS.length !== frameCount) {
    const detail = `There are ${clock.timestampsS.length} timestamps for ${frameCount} frames.`;
    throw new ProblemError('invalid-timestamps', detail, { pointer: `${pointer}/timestamps_s` });
  }
  const fault = prefixLengthFault(frameCount, prefixes);
  if (fault)
    throw new ProblemError('invalid-prefixes', fault.detail, { pointer: `${pointer}/prefixes${fault.pointer}` });
}

/**
 * The clock of frames that have none of their own.
 * @throws ProblemError missing-clock, or invalid-range where a range of a video is asked for
 */
export function givenClock({ clock, range }: AskedEpisode, pointer: string): Clock {
  if (range.fromS !== undefined || range.toS !== undefined) {
    const detail = '`from_s` and `to_s` are a range of a `video`. Of frames, send those that are meant.';
    throw new ProblemError('invalid-range', detail, { pointer });
  }
  if (clock) return clock;
  const detail =
    'Give `fps`, the rate of the frames you send, or `timestamps_s`. There is no default: a wrong fps changes the reward without an error.';
  throw new ProblemError('missing-clock', detail, { pointer: `${pointer}/fps` });
}

/**
 * Checks that an episode can be one of a video.
 * @throws ProblemError ambiguous-clock or invalid-request
 */
export function checkVideoEpisode({ clock, frameDigests }: AskedEpisode, pointer: string): void {
  if (clock) {
    const detail = 'A video has times of its own. Leave `fps` and `timestamps_s` out.';
    const member = 'fps' in clock ? 'fps' : 'timestamps_s';
    throw new ProblemError('ambiguous-clock', detail, { pointer: `${pointer}/${member}` });
  }
  if (frameDigests)
    throw invalidRequest([{ pointer: `${pointer}/frame_digests`, detail: 'goes with frames, not with a video' }]);
}

function rangeOf({ from_s: fromS, to_s: toS }: EpisodeSchema, pointer: string): TimeRange {
  if (fromS !== undefined && toS !== undefined && fromS >= toS) {
    const detail = `The range ends at ${toS} s, which is not after its start, ${fromS} s.`;
    throw new ProblemError('invalid-range', detail, { pointer: `${pointer}/to_s` });
  }
  return { fromS, toS };
}

function lacksInstruction(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const { instruction } = value as { instruction?: unknown };
  return instruction === undefined || (typeof instruction === 'string' && instruction.trim() === '');
}

function checkText(instruction: string, pointer: string): void {
  if (!instruction.isWellFormed()) {
    throw invalidRequest([{ pointer, detail: 'holds half a surrogate pair, which is no text' }]);
  }
  const special = specialTokenText(instruction);
  if (special) throw controlTokenProblem(special, pointer);
}

/** The problem of text in an instruction that would become a control token. @param pointer to the instruction */
export function controlTokenProblem(text: string, pointer: string): ProblemError {
  const detail = `The model reads ${text} as a control token. Leave it out of the instruction.`;
  return new ProblemError('special-token-text', detail, { pointer });
}

function clockOf({ fps, timestamps_s: timestampsS }: EpisodeSchema, pointer: string): Clock | undefined {
  if (fps !== undefined && timestampsS !== undefined) {
    throw new ProblemError('ambiguous-clock', 'Give `fps` or `timestamps_s`, not both.', {
      pointer: `${pointer}/timestamps_s`,
    });
  }
  if (fps !== undefined) return { fps };
  if (timestampsS === undefined) return undefined;
  const falling = timestampsS.findIndex((time, i) => i > 0 && time <= (timestampsS[i - 1] as number));
  if (falling > 0) {
    const detail = `Timestamp ${falling} (${timestampsS[falling]} s) is not later than the one before it.`;
    throw new ProblemError('invalid-timestamps', detail, {
      pointer: `${pointer}/timestamps_s/${falling}`,
      frame: falling,
    });
  }
  const span = (timestampsS.at(-1) ?? 0) - (timestampsS[0] ?? 0);
  if (span > MAX_SPAN_S) {
    const detail = `The timestamps span ${span} s; at most ${MAX_SPAN_S} are taken. They are in seconds.`;
    throw new ProblemError('invalid-timestamps', detail, { pointer: `${pointer}/timestamps_s`, limit: MAX_SPAN_S });
  }
  return { timestampsS };
}
