import { Type } from 'typebox';

/** Enumerations that more than one schema uses. A title makes each one type, with named values, in generated clients. */

export const FrameSizeMode = (usage: { default?: string } = {}) =>
  Type.Enum(['reference', 'native', 'budget'], {
    title: 'FrameSizeMode',
    description:
      '`reference` squashes every frame to the model’s own size: 244×244 for large ones, as the paper’s code does (`GET /v1/model` says which). `native` sends frames as they are; `budget` keeps the aspect within `max_pixels`. Small models take `reference` only.',
    ...usage,
  });

export const PromptVariant = (usage: { default?: string } = {}) =>
  Type.Enum(['open', 'chat'], {
    title: 'PromptVariant',
    description:
      '`open` is the paper’s prompt, an unfinished user turn; `chat` closes the turn and asks the assistant.',
    ...usage,
  });

export const FrameEncoding = Type.Enum(['rgb', 'raw', 'png', 'jpeg'], {
  title: 'FrameEncoding',
  description: 'How frames go to the model: `rgb`, `raw` (uncompressed) and `png` are exact, `jpeg` is not.',
});

export const PromptLayout = Type.Enum(['reference', 'nested'], {
  title: 'PromptLayout',
  description: '`reference`: the prompt is the paper’s token for token. `nested`: two more tokens around each block.',
});
