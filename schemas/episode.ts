import { type Static, Type } from 'typebox';
import { Answers, MOST_TOP_ANSWERS } from './answers.ts';
import { Calibration } from './calibration.ts';
import { ControlOptions } from './controls.ts';
import { DEFAULTS } from './defaults.ts';
import { FrameSizeMode, Pipeline, PromptVariant } from './enumerations.ts';
import { file, files } from './files.ts';
import { givenReward } from './log-prob.ts';
import { GvlOptions, LikelihoodOptions, MethodName } from './method.ts';
import { ProgressRule } from './progress.ts';
import { TrainingOptions } from './training.ts';

const closed = { additionalProperties: false };

/** Pattern of a digest: SHA-256 in lowercase hex, or nothing. */
export const DIGEST = '^(?:[0-9a-f]{64})?$';

export const PrefixSelection = Type.Object(
  {
    count: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 10_000,
        description: 'At most this many prefixes, evenly spaced from the first frame to the complete episode.',
      }),
    ),
    every: Type.Optional(
      Type.Integer({ minimum: 1, description: 'One prefix after every n frames, and one for the complete episode.' }),
    ),
    lengths: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1 }), {
        minItems: 1,
        maxItems: 10_000,
        description: 'Exactly these prefix lengths, in frames, in increasing order.',
      }),
    ),
    last: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'The n longest prefixes, one frame apart. `1` scores the complete episode only.',
      }),
    ),
  },
  {
    ...closed,
    title: 'PrefixSelection',
    description: `Which prefixes to score. A prefix is the first n frames of the episode. Give one of the four members; the default is \`{"count": ${DEFAULTS.prefix_count}}\`, or \`{"last": 1}\` with \`frame_digests\`.`,
  },
);

const SuccessRule = Type.Object(
  {
    threshold: Type.Optional(
      givenReward(
        'The episode counts as a success if `score` is at or above this value, in nats. A threshold belongs to one model, prompt, choice of answers and task: calibrate it. Above 0 with `log_odds` only.',
      ),
    ),
    final_prefixes: Type.Optional(
      Type.Integer({
        minimum: 1,
        default: DEFAULTS.final_prefixes,
        description: 'How many of the longest requested prefixes are averaged into `score`.',
      }),
    ),
  },
  {
    ...closed,
    title: 'SuccessRule',
    description: 'How `score` is computed, and from which score an episode is a success.',
  },
);

export const Episode = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 256, description: 'Your own id. The response repeats it unchanged.' })),
    instruction: Type.String({
      minLength: 1,
      maxLength: 4000,
      description: 'What the robot was told to do. It is inserted into the prompt unchanged.',
      examples: ['Open the drawer.'],
    }),
    fps: Type.Optional(
      Type.Number({
        minimum: 0.0001,
        maximum: 10_000,
        description:
          'Frames per second of the frames that you send. Required unless you send `timestamps_s` or a `video`. There is no default: a wrong fps changes the reward without an error.',
      }),
    ),
    timestamps_s: Type.Optional(
      Type.Array(Type.Number(), {
        description:
          'Instead of `fps`: one time per frame, in seconds, in increasing order. The first one counts as 0.',
      }),
    ),
    from_s: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1e8,
        description:
          'With a `video`: the episode starts at this time of the file, in seconds (LeRobot’s `from_timestamp`). Default: the first frame of the file.',
      }),
    ),
    to_s: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1e8,
        description:
          'With a `video`: the episode ends before this time of the file, in seconds (LeRobot’s `to_timestamp`). Default: after the last frame of the file.',
      }),
    ),
    frame_digests: Type.Optional(
      Type.Array(
        Type.String({
          pattern: DIGEST,
          description: 'SHA-256 in lowercase hex, or an empty string for a frame that is not a sampled frame.',
        }),
        {
          minItems: 1,
          description:
            'Marks the episode as unfinished (a growing episode). One entry for every frame so far, in order: the SHA-256 of the file’s bytes or, for a .npy, of the frame’s pixels. Send only the frames that are new, in any order. If the service needs other frames again, the response is the problem `frames-missing` with their digests.',
        },
      ),
    ),
    method: Type.Optional(MethodName({ default: DEFAULTS.method })),
    likelihood: Type.Optional(LikelihoodOptions),
    gvl: Type.Optional(GvlOptions),
    prefixes: Type.Optional(PrefixSelection),
    pipeline: Type.Optional(Pipeline),
    frame_size: Type.Optional(FrameSizeMode),
    max_pixels: Type.Optional(
      Type.Integer({
        minimum: 1024,
        maximum: 16_777_216,
        description: 'Most pixels per frame. Required with `frame_size: "budget"`, refused otherwise.',
      }),
    ),
    prompt: Type.Optional(PromptVariant),
    answers: Type.Optional(Answers),
    top_answers: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_TOP_ANSWERS,
        description:
          'How many of the most likely next tokens of the longest prefix to return. With vLLM this is one more query, or one for each token if vLLM is busy with others.',
      }),
    ),
    success: Type.Optional(SuccessRule),
    progress: Type.Optional(ProgressRule),
    calibration: Type.Optional(Calibration),
    training: Type.Optional(TrainingOptions),
    controls: Type.Optional(ControlOptions),
    undefined_voc: Type.Optional(
      Type.Enum(['missing', 'zero'], {
        title: 'UndefinedVoc',
        default: DEFAULTS.undefined_voc,
        description:
          'Value of `voc` if the correlation is undefined (one prefix, or all values equal). `missing`: null. `zero`: 0, as the authors report it for GVL.',
      }),
    ),
    include_token_ids: Type.Optional(
      Type.Boolean({
        default: DEFAULTS.include_token_ids,
        description: 'Whether the provenance includes the token ids of the longest prompt.',
      }),
    ),
  },
  {
    ...closed,
    title: 'Episode',
    description: 'One episode: the instruction, the time of its frames, and what to compute.',
    examples: [{ instruction: 'Open the drawer.', fps: 10, success: { threshold: -1 } }],
  },
);
export type Episode = Static<typeof Episode>;
export type PrefixSelection = Static<typeof PrefixSelection>;

/** Eight by eight pixels: small enough to read, and a request that works as it is. */
const GREY_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mOI6tmHFTEMLQkA7iBpAZC1urcAAAAASUVORK5CYII=';

export const RewardRequest = Type.Object(
  {
    episode: Episode,
    frames: Type.Optional(
      Type.Array(Type.String({ contentEncoding: 'base64', description: 'One file in base64.' }), {
        description: 'JPEG, PNG or WebP files in base64, in order.',
      }),
    ),
    npy: Type.Optional(
      Type.String({
        contentEncoding: 'base64',
        description: 'Instead of `frames`: one NumPy file in base64, uint8, shape (frames, height, width, 3).',
      }),
    ),
    video: Type.Optional(
      Type.String({
        contentEncoding: 'base64',
        description: 'Instead of `frames`: one MP4, WebM or MKV file in base64. It has its own times.',
      }),
    ),
  },
  {
    ...closed,
    title: 'RewardRequest',
    description: 'An episode with its frames in base64. A form sends the same in fewer bytes.',
    examples: [{ episode: { instruction: 'Open the drawer.', fps: 10 }, frames: [GREY_PNG, GREY_PNG] }],
  },
);
export type RewardRequest = Static<typeof RewardRequest>;

/** The multipart form of the same request. It is for the contract only: the upload is read as a stream. */
export const RewardForm = Type.Object(
  {
    episode: Episode,
    frames: Type.Optional(files('JPEG, PNG or WebP files, one part each, in order.')),
    npy: Type.Optional(file('Instead of `frames`: one NumPy file, uint8, shape (frames, height, width, 3).')),
    video: Type.Optional(file('Instead of `frames`: one MP4, WebM or MKV file. It has its own times.')),
  },
  {
    ...closed,
    title: 'RewardForm',
    description: 'An episode as a form. The parts may be in any order.',
    examples: [{ episode: { instruction: 'Open the drawer.', fps: 10 } }],
  },
);
