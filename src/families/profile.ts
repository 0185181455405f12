import { type Static, Type } from 'typebox';
import { FrameSizeMode } from '../../schemas/enumerations.ts';

/** How a prompt with images is written. Texts are those that the model receives, with one token for all tokens of an image. */
const Prompt = Type.Object(
  {
    opening: Type.String({
      description: 'Text before the first frame: the start of the user’s turn, and a system turn if there is one.',
    }),
    opening_before_text: Type.Optional(
      Type.String({ description: 'The same for a turn that begins with a text. Left out: `opening`.' }),
    ),
    time: Type.Optional(
      Type.String({
        pattern: '\\{time\\}',
        description: 'Text before each frame, with `{time}` for its time in seconds, such as 1.5. Left out: none.',
      }),
    ),
    image: Type.String({
      minLength: 1,
      description: 'The text of one frame, with one `image_token` for each run of them.',
    }),
    image_token: Type.String({
      pattern: '^[<\\[].*[A-Za-z0-9].*[>\\]]$',
      description:
        'The token that the model receives for each visual feature. Runs of it are one token in the texts here.',
    }),
    turn_end: Type.String({
      minLength: 1,
      description: 'Text from the end of the user’s turn to the start of the assistant’s answer.',
    }),
  },
  { additionalProperties: false },
);

const common = {
  format: Type.Enum([1]),
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{0,63}$', description: 'Name of the profile, as in responses.' }),
  models: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Models that it is for.' }),
  verified: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
    description: 'How the numbers were compared, in one sentence. Null: they were not.',
  }),
  statement: Type.Optional(
    Type.String({
      pattern: '\\{instruction\\}',
      description:
        'Text of TOPReward after the frames, with `{instruction}`. Left out: that of the authors for Qwen3-VL.',
    }),
  ),
};

/** Frames in pairs, as videos: the prompt is that of Qwen3-VL. */
export const PairsProfile = Type.Object({ ...common, frames: Type.Enum(['pairs']) }, { additionalProperties: false });

/** Each frame as an image. */
export const ImagesProfile = Type.Object(
  {
    ...common,
    frames: Type.Enum(['images']),
    prompt: Prompt,
    frame_sizes: Type.Optional(
      Type.Array(FrameSizeMode, {
        minItems: 1,
        description:
          'Values of `frame_size` that are accepted. Left out: all. With `reference` only, no frame is larger than that.',
      }),
    ),
    side_multiple: Type.Integer({
      minimum: 1,
      maximum: 32,
      description: 'Sides of frames that `frame_size: "budget"` shrinks are multiples of this, in pixels.',
    }),
  },
  { additionalProperties: false },
);

export type ImagesProfile = Static<typeof ImagesProfile>;
/** A file of models/profiles. docs/models.md describes its members. */
export type ProfileFile = Static<typeof PairsProfile> | ImagesProfile;
