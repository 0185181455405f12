import { type Static, Type } from 'typebox';
import { givenReward } from './log-prob.ts';
import { nullable } from './nullable.ts';

const closed = { additionalProperties: false };

const ProgressBounds = Type.Object(
  {
    low: givenReward('`reward` that counts as no progress, in nats.'),
    high: givenReward('`reward` that counts as full progress, in nats. It is above `low`.'),
  },
  {
    ...closed,
    title: 'ProgressBounds',
    description: 'A fixed scale for progress: the rewards that count as 0 and as 1.',
    examples: [{ low: -4, high: -0.1 }],
  },
);

export const CalibrationBounds = Type.Object(
  {
    low: givenReward('Value that counts as no progress, in nats.'),
    high: givenReward('Value that counts as full progress, in nats. It is above `low`.'),
  },
  {
    title: 'CalibrationBounds',
    description:
      'A fixed scale for progress on the `curve` of a calibration. They are above 0 only with the curve `corrected` or for log odds.',
  },
);
export type CalibrationBounds = Static<typeof CalibrationBounds>;

export const Scale = Type.Enum(['episode', 'bounds', 'none'], {
  title: 'Scale',
  description:
    'The scale `episode` is min-max over the prefixes of this episode, as in the reference. The scale `bounds` is clip((reward − low) / (high − low), 0, 1), which later frames do not change. With `none` there is no progress; every progress value is null.',
});

export const ProgressRule = Type.Object(
  {
    scale: Type.Optional(Scale),
    bounds: Type.Optional(ProgressBounds),
  },
  {
    ...closed,
    title: 'ProgressRule',
    description:
      'How rewards are mapped to progress. Default of `scale`: `bounds` if the request has bounds or a calibration with bounds; otherwise `episode`, or `none` with `frame_digests`.',
  },
);

const UsedBounds = Type.Object(
  {
    ...ProgressBounds.properties,
    source: Type.Enum(['request', 'calibration'], {
      title: 'BoundsSource',
      description: 'Which part of the request has these bounds: `progress.bounds` or `calibration.bounds`.',
    }),
  },
  { title: 'UsedBounds', description: 'The bounds that were used.' },
);

export const ProgressScale = Type.Object(
  {
    scale: Scale,
    bounds: nullable(UsedBounds),
  },
  { title: 'ProgressScale', description: 'How progress was computed. `bounds` is null unless the scale is `bounds`.' },
);
export type ProgressScale = Static<typeof ProgressScale>;
