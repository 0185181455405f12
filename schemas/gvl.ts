import { type Static, Type } from 'typebox';
import { GvlFormat } from './method.ts';
import { nullable } from './nullable.ts';
import {
  correlation,
  FrameSize,
  madeBy,
  Resampling,
  resultId,
  resultWarnings,
  Usage,
  VideoProvenance,
} from './reward.ts';

const MissingPercentage = Type.Enum(['not-mentioned', 'no-number', 'out-of-range', 'cut-off', 'not-json'], {
  title: 'MissingPercentage',
  description:
    'Why a frame has no percentage. With `not-mentioned`, the text does not name the frame. With `no-number`, it names the frame, but no single percentage. With `out-of-range`, the number is not between 0 and 100. With `cut-off`, the text ends at its token limit before the frame, or within its number. With `not-json`, the text is not the JSON that `format: "structured"` wants.',
});

const GvlFrame = Type.Object(
  {
    frame: Type.Integer({ minimum: 0, description: 'Number of the frame in the episode, from 0.' }),
    time_s: Type.Number({ description: 'Its time, in seconds from the first frame of the episode.' }),
    shown_as: Type.Integer({ minimum: 1, description: 'Its number in the prompt, from 1.' }),
    percentage: nullable(
      Type.Number({
        minimum: 0,
        maximum: 100,
        description: 'Task completion that the model wrote for it. Null: none.',
      }),
    ),
    missing: nullable(MissingPercentage),
  },
  { title: 'GvlFrame', description: 'One shown frame, and what the model wrote for it.' },
);

const GvlUsage = Type.Object(
  {
    ...Usage.properties,
    generated_tokens: Type.Integer({ description: 'Tokens that the model wrote.' }),
  },
  { title: 'GvlUsage', description: 'What the request cost.' },
);

const GvlProvenance = Type.Object(
  {
    ...madeBy,
    prompt: Type.Object(
      {
        text: Type.String({ description: 'The prompt. One `<|image_pad|>` stands for all image tokens of a frame.' }),
        token_ids: Type.Optional(
          Type.Array(Type.Integer(), { description: 'Token ids of the prompt. Present with `include_token_ids`.' }),
        ),
      },
      { title: 'GvlPrompt', description: 'The prompt that the model received.' },
    ),
    format: GvlFormat(),
    max_tokens: Type.Integer({ description: 'Most tokens that the model could write.' }),
    seed: nullable(Type.Integer({ description: 'Seed of the order. Null if the request gave the order.' })),
    order: Type.Array(Type.Integer(), {
      description: 'Numbers of the shown frames, in the order of the prompt: the first one is shown as frame 1.',
    }),
    initial_frame: Type.Integer({ description: 'Number of the frame of the initial scene.' }),
    frame_size: Type.Object(
      {
        source: FrameSize,
        sent: FrameSize,
        resampling: Resampling,
      },
      {
        title: 'GvlFrameSize',
        description: 'Size of the frames as uploaded (`source`) and as sent to the model (`sent`).',
      },
    ),
    video: Type.Optional(VideoProvenance),
  },
  { title: 'GvlProvenance', description: 'How the numbers were made.' },
);

export const GvlResult = Type.Object(
  {
    method: Type.Enum(['gvl'], { description: 'The method of the request.' }),
    id: resultId,
    frames: Type.Array(GvlFrame, { description: 'The shown frames, in the order of the episode.' }),
    complete: Type.Boolean({
      description: 'Whether every frame has a percentage. The authors count an episode without as a failure.',
    }),
    voc: correlation('the percentages and the order of the frames that have one'),
    text: Type.String({ description: 'What the model wrote.' }),
    finish: Type.Enum(['stop', 'length'], {
      title: 'Finish',
      description: 'Why the text ends: the model ended it, or `max_tokens` or the context did.',
    }),
    usage: GvlUsage,
    provenance: GvlProvenance,
    warnings: resultWarnings,
  },
  { title: 'GvlResult', description: 'An episode that was scored with the method `gvl`.' },
);
export type GvlResult = Static<typeof GvlResult>;

const meanVoc = (description: string) => nullable(Type.Number({ minimum: -1, maximum: 1, description }));

export const GvlMeans = Type.Object(
  {
    complete: Type.Integer({ minimum: 0, description: 'Results of `gvl` in which every frame has a percentage.' }),
    incomplete: Type.Integer({
      minimum: 0,
      description: 'The other results of `gvl`: failures, as the authors count them.',
    }),
    mean_voc: meanVoc(
      'Mean `voc` of the complete ones, as in the tables of the paper. An undefined `voc` counts as 0. Null if there is none.',
    ),
    mean_voc_failures_zero: meanVoc('Mean `voc` of all of them, in which a failure counts as 0.'),
  },
  {
    title: 'GvlMeans',
    description: 'The results of `gvl` together. Episodes with a problem are not among them: send these again.',
  },
);
export type GvlMeans = Static<typeof GvlMeans>;
