import { type Static, Type } from 'typebox';
import { givenLogProb } from './log-prob.ts';
import { nullable } from './nullable.ts';

const closed = { additionalProperties: false };

/** Nats that stand for no progress and for all of it. `low` must be below `high`. */
export const ProgressBounds = Type.Object(
  {
    low: givenLogProb('log_prob_true that counts as no progress, in nats.'),
    high: givenLogProb('log_prob_true that counts as full progress, in nats; above `low`.'),
  },
  { title: 'ProgressBounds', examples: [{ low: -4, high: -0.1 }] },
);
export type ProgressBounds = Static<typeof ProgressBounds>;

const Scale = Type.Enum(['episode', 'bounds', 'none'], {
  title: 'Scale',
  description:
    '`episode`: min-max over this episode’s prefixes, the paper’s. `bounds`: clip((log_prob_true − low) / (high − low), 0, 1), which no later frame changes. `none`: no progress, all of it is null.',
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
      'How log probabilities become progress. Without `scale`: `bounds` where bounds or a calibration with bounds are given; else `episode`, or `none` with `frame_digests`.',
  },
);

const UsedBounds = Type.Object(
  {
    ...ProgressBounds.properties,
    source: Type.Enum(['request', 'calibration'], { title: 'BoundsSource', description: 'Who gave them.' }),
  },
  { title: 'UsedBounds' },
);

export const ProgressScale = Type.Object(
  {
    scale: Scale,
    bounds: nullable(UsedBounds),
  },
  { title: 'ProgressScale', description: 'What progress is measured against; bounds with scale `bounds`.' },
);
export type ProgressScale = Static<typeof ProgressScale>;
