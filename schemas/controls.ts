import { type Static, Type } from 'typebox';
import { nullable } from './nullable.ts';
import { CalibrationBounds, Scale } from './progress.ts';

const closed = { additionalProperties: false };

export const ControlOptions = Type.Object(
  {
    static: Type.Optional(
      Type.Boolean({
        description: 'Score a video in which nothing happens: the first frame, at the times of the episode.',
      }),
    ),
    reversed: Type.Optional(
      Type.Boolean({
        description:
          'Score the sampled frames in reverse order, at the times of the episode. Refused with `frame_digests`: every new frame would change all of the reversed video.',
      }),
    ),
    other_instruction: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4000,
        description:
          'Score the episode with this instruction, which the robot was not given. No warning says if its words are unknown to a small model.',
        examples: ['Close the drawer.'],
      }),
    ),
  },
  {
    ...closed,
    title: 'ControlOptions',
    description:
      'Controls to score with the episode: what would the model say if nothing happened, if the video ran backwards, or if another task had been given? The static and the reversed video each cost about as much as the episode, another instruction much less if the engine has the frames in its cache.',
    examples: [{ static: true, reversed: true, other_instruction: 'Close the drawer.' }],
  },
);
export type ControlOptions = Static<typeof ControlOptions>;

const curve = {
  log_prob_true: Type.Array(Type.Number({ maximum: 0 }), {
    description: 'Log probability of True for each prefix, in the order of `prefixes`, in nats.',
  }),
  rewards: Type.Array(Type.Number(), {
    description: 'Reward of each prefix: `log_prob_true`, unless `answers.reward` says otherwise, in nats.',
  }),
  span: Type.Number({ minimum: 0, description: 'Largest − smallest value of `rewards`, in nats.' }),
  voc: nullable(
    Type.Number({
      minimum: -1,
      maximum: 1,
      description: 'Value-order correlation of `rewards`, with the same rules as that of the episode.',
    }),
  ),
  prompt_tokens: Type.Integer({ description: 'Part of `usage.prompt_tokens` that this control took.' }),
  cached_tokens: nullable(
    Type.Integer({ description: 'Part of `usage.cached_tokens` in this control. Null if the engine does not say.' }),
  ),
};

export const ControlCurve = Type.Object(curve, {
  title: 'ControlCurve',
  description: 'The curve of a control, with the prefixes of the episode.',
});
export type ControlCurve = Static<typeof ControlCurve>;

export const CorrectedCurve = Type.Object(
  {
    values: Type.Array(Type.Number(), {
      description:
        'Reward of the episode − that of the static video, for each prefix, in the order of `prefixes`, in nats.',
    }),
    progress: nullable(
      Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
        description: '`values` on the `progress_scale`. Null if the scale is `none`.',
      }),
    ),
    progress_scale: Type.Object(
      { scale: Scale, bounds: nullable(CalibrationBounds) },
      {
        title: 'CorrectedScale',
        description:
          'How progress was computed. `bounds` are those of a calibration of the corrected curve, and null unless the scale is `bounds`.',
      },
    ),
    score: Type.Number({ description: 'Mean of the last `values`, as many as `score` averages, in nats.' }),
    range: Type.Object(
      {
        min: Type.Number({ description: 'Smallest of the `values`, in nats.' }),
        max: Type.Number({ description: 'Largest of the `values`, in nats.' }),
        span: Type.Number({ minimum: 0, description: 'max − min, in nats.' }),
      },
      { title: 'CorrectedRange', description: 'How much the corrected curve changes over the prefixes.' },
    ),
    voc: nullable(
      Type.Number({
        minimum: -1,
        maximum: 1,
        description: 'Value-order correlation of `values`, with the same rules as that of the episode.',
      }),
    ),
  },
  {
    title: 'CorrectedCurve',
    description:
      'The curve of the episode without what a static video of the same length gets: what the model says because of what happens.',
  },
);
export type CorrectedCurve = Static<typeof CorrectedCurve>;

const StaticControl = Type.Object(
  { ...curve, corrected: CorrectedCurve },
  { title: 'StaticControl', description: 'The curve of the static video, and that of the episode corrected by it.' },
);

export const Controls = Type.Object(
  {
    static: nullable(StaticControl),
    reversed: nullable(ControlCurve),
    other_instruction: nullable(ControlCurve),
  },
  { title: 'Controls', description: 'The requested controls. Those that were not requested are null.' },
);
export type Controls = Static<typeof Controls>;
