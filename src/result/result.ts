import type { PrefixReward, RewardResult, Success, Usage, VideoProvenance } from '../../schemas/reward.ts';
import type { EngineDescription, EngineUsage, QueryScore, SeenPrompt } from '../engine/engine.ts';
import { frameTime } from '../episode/clock.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { ChosenScale } from '../episode/progress-scale.ts';
import { type FrameSize, PATCH_MULTIPLE } from '../plan/frame-size.ts';
import { blocksOf, type EpisodePlan } from '../plan/plan.ts';
import { promptText } from '../plan/prompt.ts';
import { boundedProgress, denseCurve, extent, minMaxProgress } from '../scores/progress.ts';
import { finalScore } from '../scores/success.ts';
import { valueOrderCorrelation } from '../scores/value-order-correlation.ts';
import { SERVICE } from '../version.ts';
import type { EpisodeWarning } from '../warnings.ts';
import { trainingSignals } from './training.ts';

/** Settings of the operator for results. */
export interface ResultDefaults {
  SUCCESS_THRESHOLD?: number;
  FLAT_BELOW?: number;
}

/** Everything that a result is made from. */
export interface Scored {
  request: EpisodeRequest;
  frames: { count: number; size: FrameSize; warnings: EpisodeWarning[]; video?: VideoProvenance };
  plan: EpisodePlan;
  size: FrameSize;
  /** one score for each query of the plan, in the same order */
  scores: QueryScore[];
  usage: EngineUsage;
  description: EngineDescription;
  defaults: ResultDefaults;
}

/** Nats. Twice the effect of batching and cache hits on log probabilities of a bf16 engine, which is up to 0.1 nat. */
const NOISE = 0.2;

/** The part of a prefix's result that does not depend on other prefixes. */
export function prefixScore(
  { length, query }: EpisodePlan['prefixes'][number],
  { logProbTrue, logProbFalse }: QueryScore,
  { request, plan }: Pick<Scored, 'request' | 'plan'>,
): Omit<PrefixReward, 'progress'> {
  return {
    length,
    time_s: frameTime(request.clock, length - 1),
    frames_used: plan.queries[query]?.framesUsed as number,
    log_prob_true: logProbTrue,
    log_prob_false: logProbFalse,
    log_odds: logProbTrue - logProbFalse,
  };
}

/** With more pixels than this (frames × height × width) the reference's processor shrinks a video (Qwen3-VL). */
const REFERENCE_VIDEO_PIXELS = 25_165_824;

/** Builds the result of an episode from its log probabilities: progress, success, training signals, provenance and warnings. */
export function buildResult(scored: Scored): RewardResult {
  const { request, frames, plan, scores, defaults } = scored;
  const { calibration } = scored.description;
  const answers = plan.prefixes.map(({ query }) => scores[query] as QueryScore);
  const lengths = plan.prefixes.map(({ length }) => length);
  const rewards = answers.map(({ logProbTrue }) => logProbTrue);
  const progress = progressOf(rewards, request.progress);
  const curve = progress && denseCurve(lengths, progress, frames.count);
  const { min, max } = extent(rewards);
  const flatBelow = defaults.FLAT_BELOW ?? calibration?.flatBelow ?? NOISE;
  // If all prefixes have the same sampled frames, there is one value, which has no range: the curve is neither flat nor not flat.
  const flat = plan.queries.length > 1 ? max - min < flatBelow : null;
  const score = finalScore(rewards, request.finalPrefixes);
  const success = successOf(score, Math.min(request.finalPrefixes, rewards.length), scored);
  return {
    ...(request.id !== undefined && { id: request.id }),
    prefixes: plan.prefixes.map((prefix, i) => ({
      ...prefixScore(prefix, answers[i] as QueryScore, scored),
      progress: (progress?.[i] as number | undefined) ?? null,
    })),
    progress_curve: curve,
    progress_scale: request.progress,
    score,
    success,
    log_prob_range: { min, max, span: max - min, flat, flat_below: flatBelow },
    voc: valueOrderCorrelation(rewards) ?? (request.undefinedVoc === 'zero' ? 0 : null),
    training: request.training
      ? trainingSignals(request.training, { lengths, rewards, progress, curve, frameCount: frames.count })
      : null,
    usage: usageOf(scored),
    provenance: provenanceOf(scored),
    warnings: [...frames.warnings, ...warningsOf(scored, flat), ...calibrationWarnings(request, success)],
  };
}

/** @returns one value for each prefix, 0…1, or null for scale `none` */
function progressOf(rewards: number[], { scale, bounds }: ChosenScale): number[] | null {
  if (scale === 'bounds') return boundedProgress(rewards, bounds);
  return scale === 'episode' ? minMaxProgress(rewards) : null;
}

/** Compares the score with the first threshold that is set: by the request, its calibration, the operator, or the model. */
function successOf(score: number, finalPrefixes: number, { request, defaults, description }: Scored): Success | null {
  const known = [
    ['request', request.threshold],
    ['calibration', request.calibration?.threshold],
    ['operator', defaults.SUCCESS_THRESHOLD],
    ['model', description.calibration?.successThreshold],
  ] as const;
  for (const [source, threshold] of known) {
    if (threshold === undefined || threshold === null) continue;
    return { flag: score >= threshold, threshold, threshold_source: source, final_prefixes: finalPrefixes };
  }
  return null;
}

function usageOf({ scores, usage }: Scored): Usage {
  const cached = scores.map(({ cachedTokens }) => cachedTokens);
  const tenths = (ms: number) => Math.round(ms * 10) / 10;
  return {
    engine_requests: usage.requests,
    engine_resends: usage.resends,
    prompt_tokens: scores.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    cached_tokens: cached.some((tokens) => tokens === null)
      ? null
      : cached.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0),
    engine_bytes: usage.bytes,
    queued_ms: tenths(usage.queuedMs),
    decoding_ms: tenths(usage.decodingMs),
    engine_ms: tenths(usage.engineMs),
  };
}

function provenanceOf({ request, frames, plan, size, scores, description }: Scored): RewardResult['provenance'] {
  const seen = scores[0]?.prompt as SeenPrompt;
  const { tokens } = description.prompts[plan.prompt];
  const times = blocksOf(plan, plan.queries[0]).map(({ time }) => time);
  const resized = size.width !== frames.size.width || size.height !== frames.size.height;
  return {
    service: SERVICE,
    engine: description.engine,
    model: description.model,
    about: description.about,
    layout: seen.layout,
    prompt: {
      variant: plan.prompt,
      text: promptText(times, plan.instruction, plan.prompt, seen.layout),
      video_tokens_per_block: seen.videoTokensPerBlock,
      ...(request.includeTokenIds && { token_ids: seen.tokenIds }),
    },
    true_token: tokens.true,
    false_token: tokens.false,
    sampled_frame_indices: plan.sampledFrames,
    frame_size: {
      mode: request.frameSize,
      source: frames.size,
      sent: size,
      resampling: resized ? 'pillow-bicubic' : 'none',
      encoding: description.frameEncoding,
    },
    ...(frames.video && { video: frames.video }),
  };
}

function warningsOf({ request, plan, size, scores, description }: Scored, flat: boolean | null): EpisodeWarning[] {
  const warnings: EpisodeWarning[] = [...(scores[0]?.warnings ?? [])];
  const layout = scores[0]?.prompt?.layout;
  if (layout === 'nested') {
    warnings.push({
      code: 'nested-layout',
      message:
        'The prompt has two more tokens per block than the reference’s, so the numbers differ from the reference’s.',
    });
  }
  if (description.onePass === false) {
    warnings.push({
      code: 'no-sharing',
      message: 'The caches of the engine are off: every prefix was computed from its start.',
    });
  }
  if (flat) {
    warnings.push({
      code: 'flat-curve',
      message: `The log probabilities hardly change: ${request.progress.scale === 'episode' ? 'progress and voc are' : 'voc is'} unreliable, since the curve is mostly noise.`,
    });
  }
  const moving = movingParts(request);
  if (request.frameDigests && moving.length > 0) {
    warnings.push({
      code: 'unfinished-episode',
      message: `\`frame_digests\` marks the episode as unfinished. These values change when the episode gains frames: ${moving.join(', ')}.`,
    });
  }
  const isMinMax = request.progress.scale === 'episode';
  if (plan.queries.length === 1 && (plan.prefixes.length > 1 || isMinMax)) {
    const seconds = frameTime(request.clock, (plan.prefixes.at(-1)?.length ?? 1) - 1);
    const same = `All prefixes contain the same sampled frames, so they have the same value. The longest prefix ends at ${seconds.toFixed(2)} s: if that is too short, \`fps\` is too high.`;
    const progress = isMinMax ? ' Min-max progress is then 1, whatever the value.' : '';
    warnings.push({ code: 'identical-prefixes', message: `${same}${progress}` });
  }
  // The processor first rounds both sides to multiples of 32 px: 244 px to 256 px.
  const processed = (side: number) => Math.max(1, Math.round(side / PATCH_MULTIPLE)) * PATCH_MULTIPLE;
  if (plan.sampledFrames.length * processed(size.width) * processed(size.height) > REFERENCE_VIDEO_PIXELS) {
    warnings.push({
      code: 'beyond-reference-size',
      message:
        'The reference would shrink the frames of so long a prefix. Here all frames of the episode keep one size.',
    });
  }
  return warnings;
}

/** Warns if the threshold comes from scores that average another number of prefixes than this score: they are not comparable. */
function calibrationWarnings({ calibration }: EpisodeRequest, success: Success | null): EpisodeWarning[] {
  if (success?.threshold_source !== 'calibration') return [];
  const { final_prefixes: finalPrefixes } = calibration ?? {};
  if (finalPrefixes === undefined || finalPrefixes === success.final_prefixes) return [];
  const message = `The calibration was made from scores that average ${finalPrefixes} prefixes, but this score averages ${success.final_prefixes}. Change \`success.final_prefixes\` or \`prefixes\`.`;
  return [{ code: 'calibration-final-prefixes', message }];
}

/** Names the requested values that a further frame of the episode would change for the earlier frames. */
function movingParts({ progress, training }: EpisodeRequest): string[] {
  return [
    ...(progress.scale === 'episode' ? ['progress'] : []),
    ...(training?.values ? ['training.values'] : []),
    ...(training?.rabc_weights ? ['training.rabc_weights'] : []),
  ];
}
