import { type Static, Type } from 'typebox';
import { FrameEncoding, FrameSizeMode, Pipeline, PromptLayout } from './enumerations.ts';
import { MethodName } from './method.ts';
import { nullable } from './nullable.ts';
import { EngineVersion, FrameSize, Profile, ServiceVersion, Token } from './reward.ts';

const ServedPrompt = Type.Object(
  {
    layout: PromptLayout,
    true_token: Token,
    false_token: Token,
  },
  { title: 'ServedPrompt', description: 'One prompt variant as this engine serves it.' },
);

export const Model = Type.Object(
  {
    model: Type.String({ description: 'Name of the model, as in `provenance.model`.' }),
    profile: Profile,
    about: nullable(Type.String({ description: 'What the model was trained on. Null if the engine does not say.' })),
    service: ServiceVersion,
    engine: EngineVersion,
    engine_replicas: Type.Integer({
      minimum: 1,
      description:
        'How many engines the operator runs (`ENGINE_REPLICAS`). `engine` and all limits are those of each of them.',
    }),
    methods: Type.Array(MethodName(), {
      description: 'The values of `method` that this service can use with this model.',
    }),
    pipelines: Type.Array(Pipeline, { description: 'The values of `pipeline` that this model accepts.' }),
    prompts: Type.Object(
      { open: ServedPrompt, chat: ServedPrompt },
      { title: 'ServedPrompts', description: 'The two prompt variants.' },
    ),
    one_pass: nullable(
      Type.Boolean({
        description:
          'Whether prefixes share one pass: the engine’s prefix cache and item cache were seen to work. Null: not known.',
      }),
    ),
    reference_frame: FrameSize,
    frame_sizes: Type.Array(FrameSizeMode, {
      description: 'The values of `frame_size` that this model accepts. `reference` stands for `reference_frame`.',
    }),
    frame_encoding: FrameEncoding,
    video: Type.Boolean({ description: 'Whether the service accepts a `video`. It needs ffmpeg for that.' }),
    success_threshold: nullable(
      Type.Number({
        description:
          'Threshold for requests without one, with the default answers and the pipeline `aligned`, in nats: the operator’s `SUCCESS_THRESHOLD`, or the model’s own. Null: there is none.',
      }),
    ),
    limits: Type.Object(
      {
        context_tokens: Type.Integer({ description: 'Length of the model’s context, in tokens.' }),
        blocks: nullable(
          Type.Integer({
            description:
              'Most blocks in one prompt: pairs of sampled frames, or, with the layout `images`, single frames. Null: only the context limits them.',
          }),
        ),
        sampled_frames: Type.Integer({
          description:
            'About how many sampled frames fit into the context, at the reference size and with a short instruction.',
        }),
        frames: Type.Integer({ description: 'Most frames in one episode.' }),
        batch_episodes: Type.Integer({ description: 'Most episodes in one batch.' }),
        batch_frames: Type.Integer({ description: 'Most frame files in one batch.' }),
        upload_bytes: Type.Integer({ description: 'Most bytes in the files of one request.' }),
        json_bytes: Type.Integer({ description: 'Most bytes of a JSON body, and of the part `batch` of a form.' }),
        frame_side: Type.Integer({ description: 'Largest width and height of a frame, in pixels.' }),
        frame_pixels: Type.Integer({ description: 'Most pixels of a frame.' }),
        deadline_s: Type.Number({ description: 'Longest time for one request, in seconds.' }),
        batch_deadline_s: Type.Number({ description: 'Longest time for one batch, in seconds.' }),
      },
      { title: 'Limits', description: 'What one request may contain.' },
    ),
  },
  { title: 'Model', description: 'The model that the service uses, how exact it is, and its limits.' },
);
export type Model = Static<typeof Model>;

export const Health = Type.Object(
  {
    status: Type.Enum(['ok', 'unavailable'], {
      title: 'HealthStatus',
      description: '`ok` with status 200, otherwise `unavailable`.',
    }),
    reason: Type.Optional(Type.String({ description: 'Why the service is unavailable, in one line.' })),
  },
  { title: 'Health', description: 'The response to a health check.' },
);
export type Health = Static<typeof Health>;
