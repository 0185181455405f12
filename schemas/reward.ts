import { type Static, Type } from 'typebox';
import { ChosenAnswers } from './answers.ts';
import { Controls } from './controls.ts';
import { DEFAULTS } from './defaults.ts';
import { FrameEncoding, FrameSizeMode, Pipeline, PromptLayout, PromptVariant, ScoredCurve } from './enumerations.ts';
import { nullable } from './nullable.ts';
import { ProgressScale } from './progress.ts';
import { TrainingSignals } from './training.ts';

export const LogProb = (description: string) => Type.Number({ maximum: 0, description });

/** Which prefix, whatever the method. */
export const prefixPlace = {
  length: Type.Integer({ minimum: 1, description: 'Length of this prefix, in frames.' }),
  time_s: Type.Number({
    description: 'Time of the prefix’s last frame, in seconds from the first frame of the episode.',
  }),
  frames_used: Type.Integer({
    minimum: 1,
    description:
      'How many sampled frames the model received: the first ones of `sampled_frame_indices`. With `pipeline: "published"` each prefix has frames of its own, and an odd last one counts twice.',
  }),
};

/** What is known about one prefix before the other prefixes are scored. */
export const prefixScore = {
  ...prefixPlace,
  log_prob_true: LogProb(
    'Natural logarithm of the probability that the next token is True, or one of the texts for True, in nats.',
  ),
  log_prob_false: LogProb('The same for False.'),
  log_odds: Type.Number({
    description: 'log_prob_true − log_prob_false, in nats. Above 0, True is more probable than False.',
  }),
  reward: Type.Number({
    description:
      'The reward of the prefix, in nats: `log_prob_true`, unless `answers.reward` of the request says otherwise. Everything else is computed from it: progress, score, success, VOC and training signals.',
  }),
};

/** Progress of a prefix. */
export const prefixProgress = nullable(
  Type.Number({
    minimum: 0,
    maximum: 1,
    description: '`reward` on the `progress_scale`. Null if the scale is `none`.',
  }),
);

export const PrefixReward = Type.Object(
  { ...prefixScore, progress: prefixProgress },
  { title: 'PrefixReward', description: 'The scores of one prefix.' },
);

export const Success = Type.Object(
  {
    flag: Type.Boolean({
      description:
        'Whether the score is at or above the threshold: `score`, or `controls.static.corrected.score` with the curve `corrected`.',
    }),
    threshold: Type.Number({ description: 'The threshold, in nats.' }),
    threshold_source: Type.Enum(['request', 'calibration', 'operator', 'model'], {
      title: 'ThresholdSource',
      description: 'Where the threshold comes from: the first of these that has one.',
    }),
    curve: ScoredCurve,
    final_prefixes: Type.Integer({ description: 'How many of the longest prefixes `score` averages.' }),
  },
  { title: 'Success', description: 'Whether the episode counts as a success. Null if there is no threshold.' },
);

const LogProbRange = Type.Object(
  {
    min: Type.Number({ description: 'Smallest `reward` of the prefixes, in nats.' }),
    max: Type.Number({ description: 'Largest `reward` of the prefixes, in nats.' }),
    span: Type.Number({ minimum: 0, description: 'max − min, in nats.' }),
    flat: nullable(
      Type.Boolean({
        description:
          'Whether the span is below `flat_below`. Min-max progress and VOC are then unreliable: the curve is mostly noise. Null if all prefixes show the same sampled frames.',
      }),
    ),
    flat_below: Type.Number({ description: 'A curve with a smaller span is called flat, in nats.' }),
  },
  { title: 'LogProbRange', description: 'How much the reward changes over the prefixes.' },
);

export const Usage = Type.Object(
  {
    engine_requests: Type.Integer({ description: 'Requests sent to the engine, repeats included.' }),
    engine_resends: Type.Integer({
      description: 'Of these, requests repeated with all data after a cache miss or a fault.',
    }),
    prompt_tokens: Type.Integer({ description: 'Tokens of all prompts, cached ones included.' }),
    cached_tokens: nullable(
      Type.Integer({
        description: 'Of these, tokens that the engine had in its cache. Null if the engine does not say.',
      }),
    ),
    engine_bytes: Type.Integer({
      description: 'Bytes of the request bodies sent to the engine. 0 for the embedded engine.',
    }),
    queued_ms: Type.Number({
      description:
        'Time spent waiting for capacity: before the upload was read, before rendering, and before each engine request, added up.',
    }),
    decoding_ms: Type.Number({
      description:
        'Time to decode, resize and encode the frames (wall time). The embedded engine starts while frames are still being decoded.',
    }),
    engine_ms: Type.Number({
      description:
        'From the first engine request to the last engine response (wall time). With `controls`, the sum over the episode and its controls.',
    }),
  },
  { title: 'Usage', description: 'What the request cost.' },
);

export const Token = Type.Object(
  {
    text: Type.String({ description: 'Text of the token, with its leading space if it has one.' }),
    id: Type.Integer({ description: 'Id of the token in the vocabulary.' }),
  },
  { title: 'Token', description: 'A token of the model’s vocabulary.' },
);

const AnswerTokens = Type.Object(
  {
    text: Type.String({ description: 'The text.' }),
    ids: Type.Array(Type.Integer(), { description: 'Ids of its tokens in the vocabulary, in order.' }),
  },
  { title: 'AnswerTokens', description: 'A text of the answers, and its tokens.' },
);
export type AnswerTokens = Static<typeof AnswerTokens>;

export const FrameSize = Type.Object(
  { width: Type.Integer({ description: 'In pixels.' }), height: Type.Integer({ description: 'In pixels.' }) },
  { title: 'FrameSize', description: 'Width and height in pixels.' },
);

export const VideoProvenance = Type.Object(
  {
    codec: Type.String({ description: 'Codec of the video.', examples: ['av1'] }),
    decoder: Type.String({ description: 'Program that decoded it, with its version.', examples: ['ffmpeg 5.1.9'] }),
    timestamps_s: Type.Array(Type.Number(), {
      description: 'Presentation time of each frame of the episode, in seconds on the timeline of the file.',
    }),
  },
  { title: 'VideoProvenance', description: 'The video that the frames come from. Absent if frames were sent.' },
);
export type FrameSize = Static<typeof FrameSize>;
export type Token = Static<typeof Token>;
export type VideoProvenance = Static<typeof VideoProvenance>;

export const ServiceVersion = Type.Object(
  {
    name: Type.String({ description: 'Name of the service.' }),
    version: Type.String({ description: 'Version of the service.' }),
  },
  { title: 'ServiceVersion', description: 'The service that made the response.' },
);

export const EngineVersion = Type.Object(
  {
    name: Type.String({ description: '`vllm`, or `onnxruntime` for the embedded engine.' }),
    version: Type.String({ description: 'Version of the engine.' }),
  },
  { title: 'EngineVersion', description: 'The engine that ran the model.' },
);

export const Profile = Type.Object(
  {
    name: Type.String({ description: 'Name of the profile.', examples: ['qwen3-vl'] }),
    verified: Type.Boolean({
      description:
        'Whether the profile says how its numbers were compared. The author of the profile says so, in the profile.',
    }),
  },
  {
    title: 'Profile',
    description:
      'How the model receives frames: in pairs or as images, and the text around them. It is chosen by the operator (`MODEL_PROFILE`).',
  },
);

/** What made the numbers, whatever the method. */
export const madeBy = {
  service: ServiceVersion,
  engine: EngineVersion,
  model: Type.String({ description: 'Name of the model.' }),
  profile: Profile,
  about: nullable(Type.String({ description: 'What the model was trained on. Null if the engine does not say.' })),
};

export const Resampling = Type.Enum(['none', 'pillow-bicubic', 'published', 'gvl'], {
  title: 'Resampling',
  description:
    '`none`: the frames had the right size. `pillow-bicubic`: they were resized as Pillow’s bicubic filter does. With `published`, in the steps of the authors’ first release, then rounded to 8 bits. With `gvl`, in the steps of the authors’ GVL.',
});

/** How the prompts of prefixes were made, whatever is read after them. */
export const prefixProvenance = {
  ...madeBy,
  pipeline: Pipeline,
  layout: PromptLayout,
  prompt: Type.Object(
    {
      variant: PromptVariant,
      text: Type.String({
        description:
          'Prompt of the longest prefix. One `<|video_pad|>`, or image token, stands for all such tokens of a block.',
      }),
      video_tokens_per_block: Type.Integer({ description: 'Video or image tokens of one block.' }),
      token_ids: Type.Optional(
        Type.Array(Type.Integer(), {
          description: 'Token ids of the longest prompt. Present with `include_token_ids`.',
        }),
      ),
    },
    { title: 'PromptProvenance', description: 'The prompt that the model received.' },
  ),
  sampled_frame_indices: Type.Array(Type.Integer(), {
    description:
      'Numbers of the sampled frames, from 0: two frames per second. With `pipeline: "published"`: the frames of the longest prefix.',
  }),
  frame_size: Type.Object(
    {
      mode: FrameSizeMode,
      source: FrameSize,
      sent: FrameSize,
      resampling: Resampling,
      encoding: FrameEncoding,
      per_prefix: Type.Optional(
        Type.Array(FrameSize, {
          description:
            'Size of the frames of each prefix, in the order of `prefixes`. Only with `pipeline: "published"`.',
        }),
      ),
    },
    {
      title: 'FrameSizeProvenance',
      description: 'Size of the frames as uploaded (`source`) and as sent to the model (`sent`).',
    },
  ),
  video: Type.Optional(VideoProvenance),
};

export const Provenance = Type.Object(
  {
    ...prefixProvenance,
    true_token: Token,
    false_token: Token,
    answers: ChosenAnswers,
    true_tokens: Type.Array(AnswerTokens, {
      description: 'Tokens of each text for True. `true_token` is the very first.',
    }),
    false_tokens: Type.Array(AnswerTokens, {
      description: 'Tokens of each text for False. `false_token` is the very first.',
    }),
  },
  { title: 'Provenance', description: 'How the numbers were made.' },
);

export const Warning = Type.Object(
  {
    code: Type.String({ description: 'Kind of warning. New kinds may be added.' }),
    message: Type.String({ description: 'What it means for this response.' }),
  },
  {
    title: 'Warning',
    description: 'A note about a successful response. The numbers are valid; read it before you use them.',
  },
);
export type Warning = Static<typeof Warning>;

const TopAnswer = Type.Object(
  {
    ...Token.properties,
    log_prob: LogProb('Natural logarithm of the probability that this token is the next one, in nats.'),
  },
  { title: 'TopAnswer', description: 'One of the most likely next tokens.' },
);
export type TopAnswer = Static<typeof TopAnswer>;

/** Which request a result is for. */
export const resultId = Type.Optional(Type.String({ description: 'The `id` of the request, if it has one.' }));

/** Value-order correlation of a curve. */
export const correlation = (what: string) =>
  nullable(
    Type.Number({
      minimum: -1,
      maximum: 1,
      description: `Value-order correlation: Spearman’s rank correlation between ${what}. If it is undefined: null, or 0 with \`undefined_voc: "zero"\`.`,
    }),
  );

/** What is computed from the rewards of the prefixes, whatever the method. */
export const curveMembers = {
  progress_curve: nullable(
    Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
      description:
        'Progress at every frame: linear between the prefixes, constant before the first and after the last. Null if the scale is `none`.',
    }),
  ),
  progress_scale: ProgressScale,
  score: Type.Number({
    description: `Mean \`reward\` of the longest prefixes, in nats. \`success.final_prefixes\` of the request says how many; the default is ${DEFAULTS.final_prefixes}.`,
  }),
  success: nullable(Success),
  log_prob_range: LogProbRange,
  voc: correlation('`reward` and the order of the prefixes'),
  training: nullable(TrainingSignals),
};

/** Notes about a result. */
export const resultWarnings = Type.Array(Warning, {
  description: 'Notes about this response; empty if there are none.',
});

export const RewardResult = Type.Object(
  {
    method: Type.Enum(['topreward'], { description: 'The method of the request.' }),
    id: resultId,
    prefixes: Type.Array(PrefixReward, { description: 'The requested prefixes, in increasing length.' }),
    ...curveMembers,
    top_answers: nullable(
      Type.Array(TopAnswer, {
        description:
          'The most likely next tokens of the longest prefix, the most likely one first. Null if the request has no `top_answers`.',
      }),
    ),
    controls: nullable(Controls),
    usage: Usage,
    provenance: Provenance,
    warnings: resultWarnings,
  },
  { title: 'RewardResult', description: 'An episode that was scored with the method `topreward`.' },
);
export type RewardResult = Static<typeof RewardResult>;
export type Success = Static<typeof Success>;
export type PrefixReward = Static<typeof PrefixReward>;
export type Usage = Static<typeof Usage>;
export type Provenance = Static<typeof Provenance>;
