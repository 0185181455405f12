import { type Static, Type } from 'typebox';
import { FrameEncoding, FrameSizeMode, PromptLayout } from './enumerations.ts';
import { nullable } from './nullable.ts';
import { FrameSize, Token } from './reward.ts';

const ServedPrompt = Type.Object(
  {
    layout: PromptLayout,
    true_token: Token,
    false_token: Token,
  },
  { title: 'ServedPrompt' },
);

export const Model = Type.Object(
  {
    model: Type.String(),
    about: nullable(Type.String({ description: 'What the model knows; null where the engine does not tell.' })),
    engine: Type.Object({ name: Type.String(), version: Type.String() }, { title: 'EngineVersion' }),
    prompts: Type.Object({ open: ServedPrompt, chat: ServedPrompt }, { title: 'ServedPrompts' }),
    one_pass: nullable(
      Type.Boolean({ description: 'Prefixes share one pass (prefix and item caches seen to work); null: not known.' }),
    ),
    reference_frame: FrameSize,
    frame_sizes: Type.Array(FrameSizeMode(), {
      description: 'Which values of `frame_size` this model takes; `reference` is `reference_frame`.',
    }),
    frame_encoding: FrameEncoding,
    video: Type.Boolean({ description: 'Whether a `video` is taken: it needs ffmpeg.' }),
    success_threshold: nullable(
      Type.Number({
        description: 'For requests that bring none: the operator’s, or the model’s own where it has one.',
      }),
    ),
    limits: Type.Object(
      {
        context_tokens: Type.Integer(),
        blocks: nullable(
          Type.Integer({ description: 'Pairs of frames in one prompt; null where the context decides.' }),
        ),
        sampled_frames: Type.Integer({
          description: 'About how many sampled frames fit at the reference size, with a short instruction.',
        }),
        frames: Type.Integer(),
        upload_bytes: Type.Integer(),
        frame_pixels: Type.Integer(),
        deadline_s: Type.Number(),
      },
      { title: 'Limits' },
    ),
  },
  { title: 'Model' },
);
export type Model = Static<typeof Model>;

export const Health = Type.Object(
  {
    status: Type.Enum(['ok', 'unavailable'], { title: 'HealthStatus' }),
    reason: Type.Optional(Type.String({ description: 'One line on why, when unavailable.' })),
  },
  { title: 'Health' },
);
export type Health = Static<typeof Health>;
