import type { FrameSize } from '../../schemas/reward.ts';
import type { Caller, Tokenizer } from '../engine/engine.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { Family } from '../families/family.ts';
import type { EpisodePlan, PlannedPrefix } from '../plan/plan.ts';
import type { Scored } from '../result/scored.ts';

/** What is planned about an episode, whatever is read: its options, its sampled frames, and its prefixes. */
export interface SampledEpisode {
  request: EpisodeRequest;
  /** raw frame numbers of the sampled frames, from `sampleSchedule` */
  schedule: number[];
  /** increasing prefix lengths in raw frames, at least one */
  lengths: number[];
  /** size at which frames are sent in the aligned pipeline */
  size: FrameSize;
  /** size of every frame, for a model that accepts one size only */
  fixedSize: FrameSize | undefined;
}

/** What a method plans: an episode, and the tokens that are read. */
export interface PlanInput<Tokens> extends SampledEpisode {
  tokens: Tokens;
}

/** Where the tokens of a request are found. */
export interface TokenLookup {
  tokenizer: Tokenizer;
  caller: Caller;
  /** JSON pointer to the episode in the request, for problems */
  pointer: string;
}

/**
 * A way to get rewards for prefixes from a model: which queries it sends, and what their values mean. A method knows no engine and no HTTP.
 * `Tokens` are the tokens that it reads, `Line` is one prefix of a response in lines, `Result` the complete response.
 */
export interface PrefixMethod<Tokens, Line, Result> {
  /** Finds the tokens that the queries read. @throws ProblemError if they cannot be read */
  tokens(request: EpisodeRequest, lookup: TokenLookup): Promise<Tokens>;
  /** How many tokens are read after each prefix, one after another. */
  steps(tokens: Tokens): number;
  /** How many values of tokens the response has for each prefix. */
  listed(tokens: Tokens): number;
  /** Plans the queries about an episode. */
  plan(input: PlanInput<Tokens>, family: Family): EpisodePlan;
  /**
   * Prefixes with the same queries, as soon as those are read.
   * @param values for their query and each further one, what it read, nats
   */
  prefixes(
    prefixes: readonly PlannedPrefix[],
    values: readonly (readonly number[])[],
    scored: Pick<Scored<Tokens>, 'request' | 'tokens'>,
  ): Line[];
  /** The complete result. */
  result(scored: Scored<Tokens>): Result;
}
