import type { PromptLayout, PromptVariant } from '../../schemas/enumerations.ts';
import type { TopAnswer } from '../../schemas/reward.ts';
import type { Family } from '../families/family.ts';
import type { Frames } from '../frames/frames.ts';
import type { Queues } from '../limits/fair-queue.ts';
import type { GenerationPlan } from '../plan/generation.ts';
import type { NonEmpty } from '../plan/non-empty.ts';
import type { EpisodePlan, TrueAndFalse } from '../plan/plan.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import type { ServedModel } from './served-model.ts';

/** What an engine checks at its start: the prompt text and the answers of the default method. */
export interface DefaultQuery {
  /** prompt text after the last block */
  text(instruction: string, family: Family): string;
  read(variant: PromptVariant): TrueAndFalse;
}

/** One episode to score. */
export interface ScoreRequest {
  /** The model that the plan was made for, as `describe` returned it. Another one must not answer. */
  served: ServedModel;
  plan: EpisodePlan;
  frames: Frames;
  /** The owner of the episode. Engines share no cache entries between tenants. */
  tenant: string;
  /** What the robot was told to do, for warnings. Prompts have it in their text already. */
  instruction: string;
  /** JSON pointer to the instruction in the request, for problems. */
  pointer: string;
  /** JSON pointer to the episode in the request, for problems with its other options. */
  episodePointer: string;
  signal: AbortSignal;
  usage: EngineUsage;
}

/** The cost of scoring so far. The engine adds to it. */
export interface EngineUsage {
  requests: number;
  resends: number;
  bytes: number;
  queuedMs: number;
  decodingMs: number;
  engineMs: number;
}

/** What was read for one query of the plan. */
export interface Reading {
  /** index in plan.queries */
  query: number;
  /** log probability of each answer set of the query, or of each token of the text that it reads: natural logarithms, at most 0 */
  values: number[];
  promptTokens: number;
  cachedTokens: number | null;
  /** The prompt as the model received it. Always present for the longest query. */
  prompt?: SeenPrompt;
  /** The most likely next tokens, the most likely one first, if the query reads them. */
  top?: TopAnswer[];
  /** The engine's warnings for this episode, with the longest query. */
  warnings?: EpisodeWarning[];
}

/** A prompt as the model received it, read from its token ids. */
export interface SeenPrompt {
  layout: PromptLayout;
  videoTokensPerBlock: number;
  tokenIds: number[];
}

/** Who waits for an answer about a text, and how long. */
export interface Caller {
  tenant: string;
  /** aborts when the answer is no longer needed */
  signal: AbortSignal;
}

/** The tokenizer of a model. */
export interface Tokenizer {
  /**
   * Finds text of a caller that the model's tokenizer reads as a control token.
   * @returns the first such text, or undefined
   * @throws ProblemError if the engine cannot tell
   */
  controlTokenIn(text: string, caller: Caller): Promise<string | undefined>;
  /**
   * Tokenizes a text of a caller that has no control token.
   * @throws ProblemError if the engine cannot tell
   */
  tokenIdsOf(text: string, caller: Caller): Promise<number[]>;
  /**
   * The text of some tokens. Bytes that are not valid UTF-8 on their own become U+FFFD.
   * @throws ProblemError if the engine cannot tell
   */
  textOf(ids: NonEmpty<number>, caller: Caller): Promise<string>;
}

/** One text to generate. */
export interface GenerationRequest
  extends Pick<ScoreRequest, 'served' | 'frames' | 'tenant' | 'pointer' | 'episodePointer' | 'signal' | 'usage'> {
  plan: GenerationPlan;
}

/** A text that the model wrote. */
export interface Generated {
  text: string;
  /** `length`: the text was cut off at the token limit */
  finish: 'stop' | 'length';
  promptTokens: number;
  generatedTokens: number;
  cachedTokens: number | null;
  /** the prompt as the model received it */
  promptTokenIds: number[];
}

/** A model that scores prefixes, and possibly writes texts. The rest of the service depends on this interface only. */
export interface Engine extends Tokenizer {
  /** where requests to the model wait */
  queues: Queues;
  /** @throws ProblemError engine-unavailable while the engine is not ready */
  describe(): ServedModel;
  /** false if the engine has failed permanently: only a restart of the service helps. */
  alive(): boolean;
  /**
   * Runs every query of a plan. The longest query comes first, the others in the order in which they complete.
   * @throws ProblemError if a query cannot be scored, or if another model is served now; no number is invented
   */
  score(request: ScoreRequest): AsyncIterable<Reading>;
  /**
   * Lets the model write a text: at each step the most likely token.
   * @throws ProblemError method-unsupported, if `describe` says that it cannot; any other if there is no complete response
   */
  generate(request: GenerationRequest): Promise<Generated>;
  close(): Promise<void>;
}
