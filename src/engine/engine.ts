import type { Frames } from '../frames/frames.ts';
import type { FrameEncoding } from '../frames/render-worker.ts';
import type { FrameSize, FrameSizeMode } from '../plan/frame-size.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { PromptVariant } from '../plan/prompt.ts';
import type { EpisodeWarning } from '../warnings.ts';

/** `reference`: the prompt equals the reference's, token for token. `nested`: two more tokens wrap each block. */
export type Layout = 'reference' | 'nested';

/** A token whose log probability is read: its text and its id in the model's vocabulary. */
export interface AnswerToken {
  text: string;
  id: number;
}

/** How the engine serves one prompt variant: the layout of its blocks, and the tokens whose log probability is read. */
export interface ServedPrompt {
  layout: Layout;
  tokens: { true: AnswerToken; false: AnswerToken };
}

/** What an engine serves, and how. */
export interface EngineDescription {
  engine: { name: string; version: string };
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

/** The result of one query of the plan. */
export interface QueryScore {
  /** index in plan.queries */
  query: number;
  /** log probabilities of True and False: natural logarithms, at most 0 */
  logProbTrue: number;
  logProbFalse: number;
  promptTokens: number;
  cachedTokens: number | null;
  /** The prompt as the model received it. Always present for the longest query. */
  prompt?: SeenPrompt;
  /** The engine's warnings for this episode, with the longest query. */
  warnings?: EpisodeWarning[];
}

/** A prompt as the model received it, read from its token ids. */
export interface SeenPrompt {
  layout: Layout;
  videoTokensPerBlock: number;
  tokenIds: number[];
}

/** A model that scores prefixes. The rest of the service depends on this interface only. */
export interface Engine {
  /** @throws ProblemError engine-unavailable while the engine is not ready */
  describe(): EngineDescription;
  /** false if the engine has failed permanently: only a restart of the service helps. */
  alive(): boolean;
  /**
   * Finds text of a caller that the model's tokenizer reads as a control token.
   * @returns the first such text, or undefined
   * @throws ProblemError if the engine cannot tell
   */
  controlTokenIn(text: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Scores every query of a plan. The longest query comes first, the others in the order in which they complete.
   * @throws ProblemError if a query cannot be scored; no number is invented
   */
  score(request: ScoreRequest): AsyncIterable<QueryScore>;
  close(): Promise<void>;
}
