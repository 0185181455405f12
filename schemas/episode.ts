import { type Static, Type } from 'typebox';
import { Calibration } from './calibration.ts';
import { FrameSizeMode, PromptVariant } from './enumerations.ts';
import { file, files } from './files.ts';
import { givenLogProb } from './log-prob.ts';
import { ProgressRule } from './progress.ts';
import { TrainingOptions } from './training.ts';

const closed = { additionalProperties: false };

export const PrefixSelection = Type.Object(
  {
    count: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 10_000,
        description: 'That many prefixes, evenly spaced from the first frame to the whole episode.',
      }),
    ),
    every: Type.Optional(
      Type.Integer({ minimum: 1, description: 'A prefix after every so many frames, and the whole episode.' }),
    ),
    lengths: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1 }), {
        minItems: 1,
        maxItems: 10_000,
        description: 'Exactly these prefix lengths, in frames, strictly rising.',
      }),
    ),
    last: Type.Optional(
      Type.Integer({ minimum: 1, description: 'The last so many prefix lengths; 1 scores the whole episode only.' }),
    ),
  },
  {
    ...closed,
    title: 'PrefixSelection',
    description: 'Which prefixes to score: one of the four, `count: 15` when none is given.',
  },
);

export const SuccessRule = Type.Object(
  {
    threshold: Type.Optional(
      givenLogProb(
        'Natural-log probability at or above which an episode counts as a success. It belongs to one model, prompt and task: calibrate it.',
      ),
    ),
    last: Type.Optional(
      Type.Integer({ minimum: 1, default: 3, description: 'How many final prefixes are averaged into the score.' }),
    ),
  },
  { ...closed, title: 'SuccessRule' },
);

export const Episode = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 256, description: "The caller's own id, given back as it came." })),
    instruction: Type.String({
      minLength: 1,
      maxLength: 4000,
      description: 'What the robot was told to do. Used in the prompt to the letter.',
      examples: ['Open the drawer.'],
    }),
    fps: Type.Optional(
      Type.Number({
        minimum: 0.0001,
        maximum: 10_000,
        description:
          'Frames per second of the frames sent. This or `timestamps_s`, but for a `video`: a wrong rate changes the reward.',
      }),
    ),
    timestamps_s: Type.Optional(
      Type.Array(Type.Number(), { description: 'One time per frame, in seconds, rising. The first one counts as 0.' }),
    ),
    from_s: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1e8,
        description:
          'With a `video`: the episode starts at this time of the file, in seconds; LeRobot’s `from_timestamp`. Without it, at the first frame.',
      }),
    ),
    to_s: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1e8,
        description:
          'With a `video`: the episode ends before this time of the file, in seconds; LeRobot’s `to_timestamp`. Without it, after the last frame.',
      }),
    ),
    frame_digests: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^(?:[0-9a-f]{64})?$',
          description: 'Lowercase hex; empty for a frame that is not shown.',
        }),
        {
          minItems: 1,
          description:
            'For an episode that grows: the SHA-256 of every frame so far, in order, of its file or, in a .npy, of its pixels. Then only frames that are new need to be sent, in any order; what else the model has to see again is named by a problem `frames-missing`. A frame outside `sampled_frame_indices` may be left as an empty string. Scores the whole episode only, unless `prefixes` says otherwise.',
        },
      ),
    ),
    prefixes: Type.Optional(PrefixSelection),
    frame_size: Type.Optional(FrameSizeMode({ default: 'reference' })),
    max_pixels: Type.Optional(
      Type.Integer({ minimum: 1024, maximum: 16_777_216, description: 'Pixels per frame, for `frame_size: budget`.' }),
    ),
    prompt: Type.Optional(PromptVariant({ default: 'open' })),
    success: Type.Optional(SuccessRule),
    progress: Type.Optional(ProgressRule),
    calibration: Type.Optional(Calibration),
    training: Type.Optional(TrainingOptions),
    undefined_voc: Type.Optional(
      Type.Enum(['missing', 'zero'], {
        title: 'UndefinedVoc',
        default: 'missing',
        description:
          'What `voc` says where it is undefined (one prefix, or all of one value): null, or 0 as the reference reports.',
      }),
    ),
    include_token_ids: Type.Optional(
      Type.Boolean({ default: false, description: 'Give the token ids of the longest prompt in the provenance.' }),
    ),
  },
  {
    ...closed,
    title: 'Episode',
    description: 'What is asked about one episode of frames.',
    examples: [{ instruction: 'Open the drawer.', fps: 10, success: { threshold: -1 } }],
  },
);
export type Episode = Static<typeof Episode>;
export type PrefixSelection = Static<typeof PrefixSelection>;

/** Eight by eight pixels: an example that can be sent as it stands. */
const GREY_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mOI6tmHFTEMLQkA7iBpAZC1urcAAAAASUVORK5CYII=';

export const RewardRequest = Type.Object(
  {
    episode: Episode,
    frames: Type.Optional(
      Type.Array(Type.String({ contentEncoding: 'base64' }), {
        description: 'JPEG, PNG or WebP files in base64, in order.',
      }),
    ),
    npy: Type.Optional(
      Type.String({
        contentEncoding: 'base64',
        description: 'Instead of `frames`: one NumPy file, uint8, T×H×W×3, in base64.',
      }),
    ),
    video: Type.Optional(
      Type.String({
        contentEncoding: 'base64',
        description: 'Instead of `frames`: one MP4, WebM or MKV file in base64. Its frames bring their own times.',
      }),
    ),
  },
  {
    ...closed,
    title: 'RewardRequest',
    examples: [{ episode: { instruction: 'Open the drawer.', fps: 10 }, frames: [GREY_PNG, GREY_PNG] }],
  },
);
export type RewardRequest = Static<typeof RewardRequest>;

/** The multipart form of the same request. It only documents: the upload is read as a stream. */
export const RewardForm = Type.Object(
  {
    episode: Episode,
    frames: Type.Optional(files('JPEG, PNG or WebP files, one part each, in order.')),
    npy: Type.Optional(file('Instead of `frames`: one NumPy file, uint8, T×H×W×3.')),
    video: Type.Optional(file('Instead of `frames`: one MP4, WebM or MKV file. Its frames bring their own times.')),
  },
  { ...closed, title: 'RewardForm' },
);
