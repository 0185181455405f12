import type { Warning } from '../../schemas/reward.ts';
import type { Frames } from '../frames/frames.ts';
import type { FrameEncoding } from '../frames/render-worker.ts';
import type { FrameSize, FrameSizeMode } from '../plan/frame-size.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { PromptVariant } from '../plan/prompt.ts';

/** `reference`: the prompt is the paper's, token for token. `nested`: each block is wrapped in two more tokens. */
export type Layout = 'reference' | 'nested';

export interface AnswerToken {
  text: string;
  id: number;
}

/** One way of asking: how its prompt comes out, and the tokens whose log probability is read. */
export interface ServedPrompt {
  layout: Layout;
  tokens: { true: AnswerToken; false: AnswerToken };
}

/** What an engine serves and how it does it. */
export interface EngineDescription {
  engine: { name: string; version: string };
  model: string;
  /** One sentence on what the model knows; null where the engine does not tell. */
  about: string | null;
  prompts: Record<PromptVariant, ServedPrompt>;
  /** Whether prefixes were seen to share one pass; null where the engine does not tell. */
  onePass: boolean | null;
  /** What `frame_size: "reference"` means for this model. */
  referenceFrame: FrameSize;
  /** Which frame sizes a caller may ask for. */
  frameSizes: FrameSizeMode[];
  /** How frames go to the model: `rgb` is the pixels themselves. */
  frameEncoding: FrameEncoding;
  /** Where success begins for this model and which range of log p is noise, nats; null where the engine does not tell. */
  calibration: { successThreshold: number; flatBelow: number } | null;
  contextTokens: number;
  /** Most blocks in one prompt; null where only the context bounds them. */
  maxBlocks: number | null;
  /** Prompt tokens of one block at the reference frame size with a one-digit time: the smallest such block. */
  tokensPerBlock: number;
}

/** One episode to score. */
export interface ScoreRequest {
  plan: EpisodePlan;
  frames: Frames;
  size: FrameSize;
  /** Whose episode it is: engines share nothing between tenants. */
  tenant: string;
  /** JSON pointer to the episode in the caller's request, for problems */
  pointer: string;
  signal: AbortSignal;
  usage: EngineUsage;
}

/** What scoring has cost so far; the engine adds to it. */
export interface EngineUsage {
  requests: number;
  resends: number;
  bytes: number;
  queuedMs: number;
  decodingMs: number;
  engineMs: number;
}

/** The answer to one query of the plan. */
export interface QueryScore {
  /** place in plan.queries */
  query: number;
  /** natural logs, ≤ 0 */
  logProbTrue: number;
  logProbFalse: number;
  promptTokens: number;
  cachedTokens: number | null;
  /** With the longest query, always: how its prompt came out. */
  prompt?: SeenPrompt;
  /** With the longest query: what the engine has to warn of in this episode. */
  warnings?: Warning[];
}

/** A prompt as the model got it, read from its token ids. */
export interface SeenPrompt {
  layout: Layout;
  videoTokensPerBlock: number;
  tokenIds: number[];
}

/** A model that can look at prefixes. The rest of the service knows nothing else of it. */
export interface Engine {
  /** @throws ProblemError engine-unavailable while the engine is not ready */
  describe(): EngineDescription;
  /** false once the engine has failed for good: only a new start of the service brings it back. */
  alive(): boolean;
  /**
   * Text that the model's tokenizer reads as a control token, in what a caller wrote.
   * @returns the first such text, or undefined
   * @throws ProblemError when the engine does not tell
   */
  controlTokenIn(text: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Scores every query of a plan, the longest first, each as it comes.
   * @throws ProblemError when one cannot be answered; nothing is made up
   */
  score(request: ScoreRequest): AsyncIterable<QueryScore>;
  close(): Promise<void>;
}
