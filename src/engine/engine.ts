import type { FrameEncoding, FrameSizeMode, PromptLayout, PromptVariant } from '../../schemas/enumerations.ts';
import type { FrameSize, Token } from '../../schemas/reward.ts';
import type { FamilyName } from '../families/registry.ts';
import type { Frames } from '../frames/frames.ts';
import type { EpisodePlan, Read } from '../plan/plan.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';

/** What an engine checks at its start: the prompt text and the answers of the default method. */
export interface DefaultQuery {
  /** prompt text after the last block */
  text(instruction: string): string;
  read(variant: PromptVariant): Read;
}

/** How the engine serves one prompt variant: the layout of its blocks, and the tokens of the default method's answers, by set. */
export interface ServedPrompt {
  layout: PromptLayout;
  answers: Token[][];
}

/** What is known about the model that an engine serves: found by the probe of a vLLM, or read from an exported checkpoint. */
export interface ModelProfile {
  engine: { name: string; version: string };
  family: FamilyName;
  model: string;
  /** One sentence on what the model was trained on; null if the engine does not tell. */
  about: string | null;
  prompts: Record<PromptVariant, ServedPrompt>;
  /** Whether the probe found that prefixes share one pass; null if the engine does not tell. */
  onePass: boolean | null;
  /** The size of frames at `frame_size: "reference"`, in pixels. */
  referenceFrame: FrameSize;
  /** Values of `frame_size` that the engine accepts. */
  frameSizes: FrameSizeMode[];
  /** How frames are sent to the model. `rgb` means plain pixels. */
  frameEncoding: FrameEncoding;
  /**
   * The model's success threshold, and the range of log probabilities below which a curve is noise, in nats; null if
   * the engine does not tell.
   */
  calibration: { successThreshold: number; flatBelow: number } | null;
  /** Longest prompt, in tokens. */
  contextTokens: number;
  /** Most blocks in one prompt; null if only the context limits them. */
  maxBlocks: number | null;
  /** Prompt tokens of the smallest block at the reference frame size: one whose time has one digit before the point. */
  tokensPerBlock: number;
}

/** One episode to score. */
export interface ScoreRequest {
  plan: EpisodePlan;
  frames: Frames;
  size: FrameSize;
  /** The owner of the episode. Engines share no cache entries between tenants. */
  tenant: string;
  /** What the robot was told to do, for warnings. Prompts have it in their text already. */
  instruction: string;
  /** JSON pointer to the episode in the request, for problems. */
  pointer: string;
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
  /** log probability of each answer set of the query: natural logarithms, at most 0 */
  values: number[];
  promptTokens: number;
  cachedTokens: number | null;
  /** The prompt as the model received it. Always present for the longest query. */
  prompt?: SeenPrompt;
  /** The engine's warnings for this episode, with the longest query. */
  warnings?: EpisodeWarning[];
}

/** A prompt as the model received it, read from its token ids. */
export interface SeenPrompt {
  layout: PromptLayout;
  videoTokensPerBlock: number;
  tokenIds: number[];
}

/** A model that scores prefixes. The rest of the service depends on this interface only. */
export interface Engine {
  /** @throws ProblemError engine-unavailable while the engine is not ready */
  describe(): ModelProfile;
  /** false if the engine has failed permanently: only a restart of the service helps. */
  alive(): boolean;
  /**
   * Finds text of a caller that the model's tokenizer reads as a control token.
   * @returns the first such text, or undefined
   * @throws ProblemError if the engine cannot tell
   */
  controlTokenIn(text: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Runs every query of a plan. The longest query comes first, the others in the order in which they complete.
   * @throws ProblemError if a query cannot be scored; no number is invented
   */
  score(request: ScoreRequest): AsyncIterable<Reading>;
  close(): Promise<void>;
}
