import { type Static, Type } from 'typebox';
import type { FrameEncoding, FrameSizeMode, PromptLayout, PromptVariant } from '../../schemas/enumerations.ts';
import { nullable } from '../../schemas/nullable.ts';
import type { Token } from '../../schemas/reward.ts';
import type { Family } from '../families/family.ts';
import type { ContextLimits } from '../plan/context.ts';
import type { NonEmpty } from '../plan/non-empty.ts';

/** One sentence on what the model was trained on. */
const About = Type.String();

/** The size of frames at `frame_size: "reference"`, in pixels. */
const ReferenceFrame = Type.Object({ width: Type.Integer({ minimum: 32 }), height: Type.Integer({ minimum: 32 }) });

/** Longest prompt, in tokens. */
const ContextTokens = Type.Integer({ minimum: 1 });

/** The model's success threshold, and the range of log probabilities below which a curve is noise. Both in nats. */
const Calibration = Type.Object({
  successThreshold: Type.Number({ maximum: 0 }),
  flatBelow: Type.Number({ minimum: 0 }),
});

const TrainingDomain = Type.Object({
  words: Type.Array(Type.String()),
  picture: Type.Object({
    side: Type.Integer({ minimum: 1 }),
    mean: Type.Array(Type.Number()),
    distance: Type.Number(),
  }),
  blocks: Type.Integer({ minimum: 1 }),
});

/** What is known about a model's training data and can be compared with a request. */
export type TrainingDomain = Static<typeof TrainingDomain>;

/** profile.json of an exported checkpoint. docs/reference/embedded-engine.md defines its members. */
export const CheckpointProfile = Type.Object({
  format: Type.Literal(1),
  name: Type.String(),
  version: Type.String(),
  about: About,
  frame: ReferenceFrame,
  contextTokens: ContextTokens,
  calibration: nullable(Calibration),
  domain: nullable(TrainingDomain),
});
export type CheckpointProfile = Static<typeof CheckpointProfile>;

/** How the engine serves one prompt variant: the layout of its blocks, and the tokens that the default method reads. */
export interface ServedPrompt {
  layout: PromptLayout;
  /** the tokens that mean True, then those that mean False */
  answers: [NonEmpty<Token>, NonEmpty<Token>];
}

/** What is known about the model that an engine serves: found by the probe of a vLLM, or read from an exported checkpoint. */
export interface ServedModel extends ContextLimits {
  engine: { name: string; version: string };
  family: Family;
  model: string;
  /** null if the engine does not tell */
  about: Static<typeof About> | null;
  prompts: Record<PromptVariant, ServedPrompt>;
  /** Whether the probe found that prefixes share one pass; null if the engine does not tell. */
  onePass: boolean | null;
  referenceFrame: Static<typeof ReferenceFrame>;
  /** Values of `frame_size` that the engine accepts. */
  frameSizes: FrameSizeMode[];
  /** How frames are sent to the model. `rgb` means plain pixels. */
  frameEncoding: FrameEncoding;
  /** null if the engine does not tell */
  calibration: Static<typeof Calibration> | null;
  contextTokens: Static<typeof ContextTokens>;
  /**
   * Whether it generates text from images: the most images in a prompt (null: only the context limits them) and the tokens of one of
   * the reference size, without the markup around it; or, in one sentence, why it cannot.
   */
  generation: { maxImages: number | null; tokensPerImage: number } | { unavailable: string };
}
