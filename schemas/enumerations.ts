import { Type } from 'typebox';

/** Enumerations that more than one schema uses. A title makes each one type, with named values, in generated clients. */

export const FrameSizeMode = (usage: { default?: string } = {}) =>
  Type.Enum(['reference', 'native', 'budget'], {
    title: 'FrameSizeMode',
    description:
      'How frames are resized before they go to the model. `reference`: every frame is resized to the model’s own size, whatever its aspect ratio. That is 244×244 for large models, as in the authors’ code; `GET /v1/model` says which size. `native`: frames keep their size. `budget`: frames keep their aspect ratio and have at most `max_pixels` pixels. Small models accept `reference` only.',
    ...usage,
  });

export const PromptVariant = (usage: { default?: string } = {}) =>
  Type.Enum(['open', 'chat'], {
    title: 'PromptVariant',
    description:
      '`open`: the reference’s prompt, a user turn that does not end; scores the token ` True`. `chat`: ends the user turn and starts the assistant’s; scores the token `True` (no leading space).',
    ...usage,
  });

export const FrameEncoding = Type.Enum(['rgb', 'raw', 'png', 'jpeg'], {
  title: 'FrameEncoding',
  description:
    'How frames are sent to the model. `rgb`: as pixels, in the embedded engine. `raw`: uncompressed. `png`: compressed without loss. `jpeg`: compressed with loss, so the numbers differ from the reference’s.',
});

export const PromptLayout = Type.Enum(['reference', 'nested'], {
  title: 'PromptLayout',
  description:
    'How blocks are written in the prompt. `reference`: the prompt equals the reference’s, token by token. `nested`: vLLM uses its own chat template, which adds two tokens around each block.',
});
