import { type Static, Type } from 'typebox';
import { FrameEncoding, FrameSizeMode, PromptLayout, PromptVariant } from './enumerations.ts';
import { nullable } from './nullable.ts';
import { ProgressScale } from './progress.ts';
import { TrainingSignals } from './training.ts';

const LogProb = (description: string) => Type.Number({ maximum: 0, description });

/** What is known of a prefix by itself, before its episode is complete. */
export const prefixScore = {
  length: Type.Integer({ minimum: 1, description: 'Frames of the episode in this prefix.' }),
  time_s: Type.Number({ description: 'Time of its last frame, from the first frame of the episode.' }),
  frames_used: Type.Integer({ minimum: 1, description: 'How many of `sampled_frame_indices` the model saw.' }),
  log_prob_true: LogProb('The reward: natural log of the probability of the True token.'),
  log_prob_false: LogProb('The same for the False token.'),
  log_odds: Type.Number({ description: 'log_prob_true − log_prob_false, nats: above 0 the model rather says True.' }),
};

export const PrefixReward = Type.Object(
  {
    ...prefixScore,
    progress: nullable(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'log_prob_true on `progress_scale`; null where that is `none`.',
      }),
    ),
  },
  { title: 'PrefixReward' },
);

export const Success = Type.Object(
  {
    flag: Type.Boolean({ description: 'score ≥ threshold' }),
    score: Type.Number({ description: 'Mean log_prob_true over the final prefixes.' }),
    threshold: Type.Number(),
    threshold_source: Type.Enum(['request', 'calibration', 'operator', 'model'], {
      title: 'ThresholdSource',
      description: 'Whose threshold it is; the first of these that has one.',
    }),
    last: Type.Integer({ description: 'How many final prefixes went into the score.' }),
  },
  { title: 'Success' },
);

export const LogProbRange = Type.Object(
  {
    min: Type.Number(),
    max: Type.Number(),
    span: Type.Number({ minimum: 0, description: 'max − min, in nats.' }),
    flat: nullable(
      Type.Boolean({
        description:
          'Whether the span is below `flat_below`: min-max progress and voc are then unreliable, since the curve is mostly noise. Null where all prefixes show the same sampled frames: one value has no span.',
      }),
    ),
    flat_below: Type.Number(),
  },
  { title: 'LogProbRange' },
);

export const Usage = Type.Object(
  {
    engine_requests: Type.Integer({ description: 'Questions put to the engine, repeats included.' }),
    engine_resends: Type.Integer({ description: 'Of those, repeats with all data after a cache miss or a fault.' }),
    prompt_tokens: Type.Integer(),
    cached_tokens: nullable(Type.Integer({ description: 'Null when the engine does not say.' })),
    engine_bytes: Type.Integer({
      description: 'Bytes of request bodies sent to the engine; 0 where it runs in the service.',
    }),
    queued_ms: Type.Number({
      description:
        'Waiting for a place, before the upload was read, before rendering, and before each engine request, summed.',
    }),
    decoding_ms: Type.Number({
      description:
        'Decoding, resizing and encoding frames, wall time. The embedded engine begins while they are decoded.',
    }),
    engine_ms: Type.Number({ description: 'From the first engine request to the last answer, wall time.' }),
  },
  { title: 'Usage' },
);

export const Token = Type.Object(
  { text: Type.String(), id: Type.Integer() },
  { title: 'Token', description: 'A token of the model’s vocabulary.' },
);

export const FrameSize = Type.Object(
  { width: Type.Integer(), height: Type.Integer() },
  { title: 'FrameSize', description: 'In pixels.' },
);

export const VideoProvenance = Type.Object(
  {
    codec: Type.String(),
    decoder: Type.String({ description: 'Program and version.', examples: ['ffmpeg 5.1.9'] }),
    timestamps_s: Type.Array(Type.Number(), {
      description: 'When each frame of the episode is shown, in seconds on the file’s own timeline.',
    }),
  },
  { title: 'VideoProvenance', description: 'The video that the frames come from.' },
);
export type VideoProvenance = Static<typeof VideoProvenance>;

export const Provenance = Type.Object(
  {
    service: Type.Object({ name: Type.String(), version: Type.String() }, { title: 'ServiceVersion' }),
    engine: Type.Object({ name: Type.String(), version: Type.String() }, { title: 'EngineVersion' }),
    model: Type.String(),
    about: nullable(Type.String({ description: 'What the model knows; null where the engine does not tell.' })),
    layout: PromptLayout,
    prompt: Type.Object(
      {
        variant: PromptVariant(),
        text: Type.String({
          description: 'Prompt of the longest prefix; one <|video_pad|> stands for a block’s run of them.',
        }),
        video_tokens_per_block: Type.Integer(),
        token_ids: Type.Optional(Type.Array(Type.Integer())),
      },
      { title: 'PromptProvenance' },
    ),
    true_token: Token,
    false_token: Token,
    sampled_frame_indices: Type.Array(Type.Integer(), {
      description: 'Scheduled frames, from 0, two frames a second.',
    }),
    frame_size: Type.Object(
      {
        mode: FrameSizeMode(),
        source: FrameSize,
        sent: FrameSize,
        resampling: Type.Enum(['none', 'pillow-bicubic'], { title: 'Resampling' }),
        encoding: FrameEncoding,
      },
      { title: 'FrameSizeProvenance' },
    ),
    video: Type.Optional(VideoProvenance),
  },
  { title: 'Provenance' },
);

export const Warning = Type.Object({ code: Type.String(), message: Type.String() }, { title: 'Warning' });
export type Warning = Static<typeof Warning>;

export const RewardResult = Type.Object(
  {
    id: Type.Optional(Type.String()),
    prefixes: Type.Array(PrefixReward),
    progress_curve: nullable(
      Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
        description:
          'Progress at every frame: linear between the prefixes, flat outside them. Null where `progress_scale` is `none`.',
      }),
    ),
    progress_scale: ProgressScale,
    score: Type.Number({ description: 'Mean log_prob_true over the final prefixes (`success.last`).' }),
    success: nullable(Success),
    log_prob_range: LogProbRange,
    voc: nullable(
      Type.Number({
        minimum: -1,
        maximum: 1,
        description: 'Value-order correlation; null where it is undefined, or 0 with `undefined_voc: "zero"`.',
      }),
    ),
    training: nullable(TrainingSignals),
    usage: Usage,
    provenance: Provenance,
    warnings: Type.Array(Warning),
  },
  { title: 'RewardResult' },
);
export type RewardResult = Static<typeof RewardResult>;
export type Success = Static<typeof Success>;
export type PrefixReward = Static<typeof PrefixReward>;
export type Usage = Static<typeof Usage>;
