import { type Static, Type } from 'typebox';
import { DEFAULTS, REFERENCE_SIDE } from './defaults.ts';

/**
 * Enumerations that more than one schema uses. A title makes each one type, with named values, in generated clients.
 *
 * A member that some other member excludes has no `default` in the contract, only in its description: generated clients send every
 * `default`.
 */

export const FrameSizeMode = Type.Enum(['reference', 'native', 'budget'], {
  title: 'FrameSizeMode',
  description: `How frames are resized before they go to the model. With \`reference\`, every frame is resized to the model’s own size, whatever its aspect ratio. That is ${REFERENCE_SIDE}×${REFERENCE_SIDE} for large models, as in the authors’ code; \`GET /v1/model\` says which size. With \`native\`, frames keep their size. With \`budget\`, a frame with more than \`max_pixels\` pixels is shrunk. Both sides are then multiples of 32 (or of what the model’s profile says), so the aspect ratio is nearly kept. Small models accept \`reference\` only. The default is \`${DEFAULTS.frame_size}\`; \`gvl\` has a size of its own.`,
});

export type FrameSizeMode = Static<typeof FrameSizeMode>;

export const Pipeline = Type.Enum(['aligned', 'published'], {
  title: 'Pipeline',
  description: `How frames become the model’s video. \`aligned\` is the authors’ current code: two frames per second of true time, at one size. All prefixes share one pass. \`published\` is their first release, which made the tables of the paper. Each prefix has evenly spaced frames of its own, from its first to its last, and times that assume 24 fps. Frames have 320 px, or fewer in a prefix with more than 245 of them. Prefixes share almost nothing, so each costs a pass of its own. The values of the two pipelines cannot be compared. The default is \`${DEFAULTS.pipeline}\`.`,
});

export type Pipeline = Static<typeof Pipeline>;

export const PromptVariant = Type.Enum(['open', 'chat'], {
  title: 'PromptVariant',
  description: `With \`open\`, the prompt is the reference’s: a user turn that does not end. It scores the token \` True\`. With \`chat\`, the user turn ends and the assistant’s starts. It scores the token \`True\` (no leading space). The default is \`${DEFAULTS.prompt}\`.`,
});

export type PromptVariant = Static<typeof PromptVariant>;

export const ScoredCurve = Type.Enum(['episode', 'corrected'], {
  title: 'ScoredCurve',
  description:
    'Which curve a score is the mean of. With `episode`, the curve of the episode itself: `score` of a response. With `corrected`, the curve that is corrected by a static video: `controls.static.corrected.score`. A calibration that does not say so is for `episode`.',
});

export type ScoredCurve = Static<typeof ScoredCurve>;

export const FrameEncoding = Type.Enum(['rgb', 'raw', 'png', 'jpeg'], {
  title: 'FrameEncoding',
  description:
    'How frames are sent to the model. The embedded engine uses `rgb`, the pixels. With vLLM, `raw` is uncompressed and `png` is compressed without loss. The compression of `jpeg` has losses, so the numbers differ from the reference’s.',
});

export type FrameEncoding = Static<typeof FrameEncoding>;

export const PromptLayout = Type.Enum(['reference', 'nested', 'images'], {
  title: 'PromptLayout',
  description:
    'How blocks are written in the prompt. With `reference`, the prompt equals the reference’s, token by token. With `nested`, vLLM uses its own chat template, which adds two tokens around each block. With `images`, each block is an image of one frame, as in the model’s own chat template.',
});
export type PromptLayout = Static<typeof PromptLayout>;
