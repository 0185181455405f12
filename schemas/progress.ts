import { type Static, Type } from 'typebox';
import { nullable } from './nullable.ts';

const closed = { additionalProperties: false };

/** Nats that stand for no progress and for all of it. `low` must be below `high`. */
export const ProgressBounds = Type.Object(
  {
    low: Type.Number({ maximum: 0, description: 'log_prob_true that counts as no progress, in nats.' }),
    high: Type.Number({ maximum: 0, description: 'log_prob_true that counts as full progress, in nats; above `low`.' }),
  },
  { ...closed, title: 'ProgressBounds', examples: [{ low: -4, high: -0.1 }] },
);
export type ProgressBounds = Static<typeof ProgressBounds>;

const scale = ['episode', 'bounds', 'none'] as const;

export const ProgressRule = Type.Object(
  {
    scale: Type.Optional(
      Type.Enum([...scale], {
        description:
          '`episode`: min-max over this episode’s prefixes, the paper’s. `bounds`: clip((log_prob_true − low) / (high − low), 0, 1), which no later frame changes. `none`: no progress. Default: `bounds` where bounds or a calibration with bounds are given; else `episode`, or `none` with `frame_digests`.',
      }),
    ),
    bounds: Type.Optional(ProgressBounds),
  },
  { ...closed, title: 'ProgressRule', description: 'How log probabilities become progress.' },
);

const UsedBounds = Type.Object(
  {
    ...ProgressBounds.properties,
    source: Type.Enum(['request', 'calibration'], { description: 'Who gave them.' }),
  },
  { ...closed, title: 'UsedBounds' },
);

export const ProgressScale = Type.Object(
  {
    scale: Type.Enum([...scale], {
      description: 'How progress was made; with `none` all of it is null.',
    }),
    bounds: nullable(UsedBounds),
  },
  { ...closed, title: 'ProgressScale', description: 'What progress is measured against; bounds with scale `bounds`.' },
);
export type ProgressScale = Static<typeof ProgressScale>;
