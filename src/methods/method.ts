import type { FrameSize } from '../../schemas/reward.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { Family } from '../families/family.ts';
import type { ReadAnswers } from '../plan/answer-steps.ts';
import type { EpisodePlan, PlannedPrefix, Read } from '../plan/plan.ts';
import type { Scored } from '../result/scored.ts';

/** What a method plans: the options of an episode, its sampled frames, and its prefixes. */
export interface PlanInput {
  request: EpisodeRequest;
  /** raw frame numbers of the sampled frames, from `sampleSchedule` */
  schedule: number[];
  /** increasing prefix lengths in raw frames, at least one */
  lengths: number[];
  /** size at which frames are sent in the aligned pipeline */
  size: FrameSize;
  /** size of every frame, for a model that accepts one size only */
  fixedSize: FrameSize | undefined;
  /** the answers of the request, with their tokens */
  answers: ReadAnswers;
}

/**
 * A way to get rewards from a model: which queries it sends, and what their values mean. A method knows no engine and no HTTP.
 * `Prefix` is one prefix of the response, `Result` the complete response.
 */
export interface Method<Prefix, Result> {
  name: string;
  /** What it reads with a prompt variant. An engine checks at its start that each of these texts is one token. */
  read(variant: EpisodeRequest['prompt']): Read;
  /** The prompt text after the last block. */
  text(instruction: string): string;
  /** Plans the queries about an episode. */
  plan(input: PlanInput, family: Family): EpisodePlan;
  /**
   * Prefixes with the same queries, as soon as those are read.
   * @param values for their query and each further one, the log probability of each answer set, nats
   */
  prefixes(
    prefixes: readonly PlannedPrefix[],
    values: readonly (readonly number[])[],
    scored: Pick<Scored, 'request' | 'answers'>,
  ): Prefix[];
  /** The complete result. */
  result(scored: Scored): Result;
}
