import { DEFAULT_PROFILE, DEFAULTS } from '../../schemas/defaults.ts';
import type { Caller, Engine } from '../engine/engine.ts';
import type { ServedModel } from '../engine/served-model.ts';
import { areSame, defaultAnswers, writtenAnswers } from '../episode/answers.ts';
import { controlTokenProblem } from '../episode/control-tokens.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import { publishedCount } from '../episode/published-frames.ts';
import { countedFrames } from '../methods/aligned.ts';
import type { SampledEpisode } from '../methods/method.ts';
import { ProblemError } from '../problems/problems.ts';

/** @throws ProblemError frame-size-unsupported */
export function checkFrameSize(
  { frameSize }: EpisodeRequest,
  { frameSizes, referenceFrame }: ServedModel,
  pointer: string,
): void {
  if (frameSizes.includes(frameSize)) return;
  const { width, height } = referenceFrame;
  const others = frameSizes.filter((each) => each !== 'reference').map((each) => `, or \`${each}\``);
  const detail = `This model does not accept \`frame_size: "${frameSize}"\`. Send \`reference\`, which resizes every frame to ${width}×${height} px${others.join('')}.`;
  throw new ProblemError('frame-size-unsupported', detail, { pointer: `${pointer}/frame_size` });
}

/** @throws ProblemError pipeline-unsupported */
export function checkPipeline({ pipeline }: EpisodeRequest, { family }: ServedModel, pointer: string): void {
  if (pipeline !== 'published' || family.published) return;
  const detail = `The pipeline \`published\` is defined for Qwen3-VL only, and this service uses the profile ${family.name}. Leave \`pipeline\` out.`;
  throw new ProblemError('pipeline-unsupported', detail, { pointer: `${pointer}/pipeline` });
}

/** Most frames of all prefixes together in the published pipeline. The default number of prefixes has 11,520 at most. */
const MOST_PUBLISHED_FRAMES = 20_000;

/**
 * Limits the work of the published pipeline, in which every prefix is a video of its own.
 * @param lengths of the prefixes in raw frames
 * @param steps how many tokens are read after each prefix, one after another
 * @throws ProblemError invalid-prefixes
 */
export function checkPublishedWork(
  lengths: number[],
  steps: number,
  { pipeline, controls }: EpisodeRequest,
  pointer: string,
): void {
  if (pipeline !== 'published') return;
  const frames = countVideos(controls) * steps * lengths.reduce((sum, length) => sum + publishedCount(length), 0);
  if (frames <= MOST_PUBLISHED_FRAMES) return;
  const detail = `With \`pipeline: "published"\` each prefix is a video of its own. The ${lengths.length} prefixes, with controls and further tokens, show ${frames} frames; the limit is ${MOST_PUBLISHED_FRAMES}. Request fewer prefixes.`;
  throw new ProblemError('invalid-prefixes', detail, { pointer: `${pointer}/prefixes`, limit: MOST_PUBLISHED_FRAMES });
}

/** Most queries of an episode that reads several tokens after each prefix. With one token, 10,000 frames with all controls have as many. */
const MOST_QUERIES = 40_000;

/**
 * Limits the queries of the aligned pipeline, which are all planned before the first one is sent.
 * @param sampled.lengths of the prefixes in raw frames
 * @param steps how many tokens are read after each prefix, one after another: with vLLM, each is a query
 * @throws ProblemError invalid-prefixes
 */
export function checkAlignedWork(
  { request: { pipeline, controls }, schedule, lengths }: Pick<SampledEpisode, 'request' | 'schedule' | 'lengths'>,
  steps: number,
  pointer: string,
): void {
  if (pipeline !== 'aligned' || steps === 1) return;
  const prefixes = new Set(countedFrames(schedule, lengths).map(({ count }) => count)).size;
  const queries = countVideos(controls) * steps * prefixes;
  if (queries <= MOST_QUERIES) return;
  const detail = `The ${prefixes} prefixes with different sampled frames need ${queries} queries, with controls and further tokens; the limit is ${MOST_QUERIES}. Request fewer prefixes, or send shorter texts.`;
  throw new ProblemError('invalid-prefixes', detail, { pointer: `${pointer}/prefixes`, limit: MOST_QUERIES });
}

/** Most values of tokens in a response. A document with 5 million of them has 100 MB, and blocked all other requests for 5 s. */
const MOST_LISTED = 200_000;

/**
 * Limits the size of a response that has the value of each token after each prefix. Prefixes with the same sampled frames cost no
 * query, but their values are written for each of them.
 * @param listed values of each prefix
 * @throws ProblemError invalid-prefixes
 */
export function checkListedValues(prefixes: number, listed: number, pointer: string): void {
  const values = prefixes * listed;
  if (values <= MOST_LISTED) return;
  const detail = `The response would have ${values} log probabilities, ${listed} for each of ${prefixes} prefixes; the limit is ${MOST_LISTED}. Request fewer prefixes: those with the same sampled frames have the same values.`;
  throw new ProblemError('invalid-prefixes', detail, { pointer: `${pointer}/prefixes`, limit: MOST_LISTED });
}

/** The video of an episode, and those of its controls: each has the same length. */
function countVideos(controls: EpisodeRequest['controls']): number {
  const { static: isStatic, reversed, otherInstruction } = controls ?? {};
  return 1 + [isStatic, reversed, otherInstruction !== undefined].filter(Boolean).length;
}

/**
 * Checks every text of the caller that becomes a part of a prompt.
 * @throws ProblemError special-token-text
 */
export async function checkControlTokens(
  { instruction, controls }: EpisodeRequest,
  engine: Engine,
  caller: Caller,
  pointer: string,
): Promise<void> {
  const texts = { '/instruction': instruction, '/controls/other_instruction': controls?.otherInstruction };
  for (const [place, text] of Object.entries(texts)) {
    const special = text === undefined ? undefined : await engine.controlTokenIn(text, caller);
    if (special !== undefined) throw controlTokenProblem(special, `${pointer}${place}`, 'the instruction');
  }
}

/**
 * Checks that a calibration is for this model, profile, prompt, pipeline and choice of answers. A model or prompt that it does not
 * name is not checked. If it names no profile, no pipeline or no answers, it is for the default ones.
 * @throws ProblemError calibration-mismatch
 */
export function checkCalibration(
  { calibration, pipeline, prompt, answers }: EpisodeRequest,
  { model, family }: ServedModel,
  pointer: string,
): void {
  if (calibration?.model !== undefined && calibration.model !== model) {
    const detail = `The calibration was made with another model. This service serves ${model}. Make a calibration with this model.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/model` });
  }
  if (calibration?.prompt !== undefined && calibration.prompt !== prompt) {
    const detail = `The calibration was made with the prompt "${calibration.prompt}", but this request uses "${prompt}". Use the same prompt for both.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/prompt` });
  }
  const calibratedProfile = calibration?.profile ?? DEFAULT_PROFILE;
  if (calibration && calibratedProfile !== family.name) {
    const detail = `The calibration was made with the profile "${calibratedProfile}". This service uses "${family.name}". Make a calibration with it: \`provenance.profile.name\` of a response is its \`profile\`.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/profile` });
  }
  const calibrated = calibration?.pipeline ?? DEFAULTS.pipeline;
  if (calibration && calibrated !== pipeline) {
    const detail = `The calibration was made with the pipeline "${calibrated}", but this request uses "${pipeline}". Use the same pipeline for both.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/pipeline` });
  }
  if (calibration && !areSame(answers, calibration.answers ?? writtenAnswers(defaultAnswers(prompt)))) {
    const made = calibration.answers ? 'other answers' : 'the default answers';
    const detail = `The calibration was made with ${made}. Use the same \`answers\` for both: \`provenance.answers\` of a response has them.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/answers` });
  }
}
