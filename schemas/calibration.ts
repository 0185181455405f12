import { type Static, Type } from 'typebox';
import { PromptVariant } from './enumerations.ts';
import { givenLogProb } from './log-prob.ts';
import { nullable } from './nullable.ts';
import { ProgressBounds } from './progress.ts';
import { Warning } from './reward.ts';

const closed = { additionalProperties: false };

/** Episodes in one call. */
export const MAX_CALIBRATION_EPISODES = 10_000;

/** What a calibration belongs to, as the caller says. */
const belonging = {
  id: Type.Optional(Type.String({ maxLength: 256, description: "The caller's own id, carried along." })),
  model: Type.Optional(
    Type.String({
      maxLength: 1024,
      description:
        '`provenance.model` of the answers. A request to another model that brings this calibration is refused.',
    }),
  ),
  /** A request with another one that brings this calibration is refused. */
  prompt: Type.Optional(PromptVariant()),
  last: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description:
        '`success.last` of the answers: how many prefixes a score averages. An answer that holds the threshold against another number warns.',
    }),
  ),
  task: Type.Optional(
    Type.String({ maxLength: 4000, description: 'The task, for people: carried along, not checked.' }),
  ),
};

const LabelledEpisode = Type.Object(
  {
    success: Type.Boolean({ description: 'Whether the robot did it, as somebody saw.' }),
    score: givenLogProb('`score` of the answer, nats.'),
    log_prob_range: Type.Optional(
      Type.Object(
        { min: givenLogProb(), max: givenLogProb() },
        {
          ...closed,
          title: 'ScoredRange',
          description: '`min` and `max` of the answer’s `log_prob_range`; those of successes make the bounds.',
        },
      ),
    ),
  },
  { ...closed, title: 'LabelledEpisode' },
);

export const CalibrationRequest = Type.Object(
  {
    ...belonging,
    episodes: Type.Array(LabelledEpisode, {
      minItems: 1,
      maxItems: MAX_CALIBRATION_EPISODES,
      description: 'Scored and labelled, all with one model, prompt, task and choice of prefixes.',
    }),
    precision: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Wished share of true successes among what is called one. Then `threshold` is that of `precise`.',
      }),
    ),
  },
  {
    ...closed,
    title: 'CalibrationRequest',
    examples: [
      {
        model: 'topreward-pico 1',
        prompt: 'open',
        last: 3,
        task: 'Open the drawer.',
        episodes: [
          { success: true, score: -0.1, log_prob_range: { min: -3.9, max: -0.08 } },
          { success: false, score: -3.2, log_prob_range: { min: -4.1, max: -2.9 } },
        ],
      },
    ],
  },
);
export type CalibrationRequest = Static<typeof CalibrationRequest>;

const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const count = (description: string) => Type.Integer({ minimum: 0, description });

export const ThresholdFit = Type.Object(
  {
    threshold: givenLogProb('An episode counts as a success at or above it, nats.'),
    true_positives: count('Successes called so.'),
    false_positives: count('Failures called successes.'),
    true_negatives: count('Failures called so.'),
    false_negatives: count('Successes called failures.'),
    sensitivity: share('Successes called so, of all successes.'),
    specificity: share('Failures called so, of all failures.'),
    precision: share('True successes among what is called one.'),
    youden: Type.Number({ minimum: -1, maximum: 1, description: 'sensitivity + specificity − 1.' }),
  },
  { title: 'ThresholdFit', description: 'A threshold, and what it makes of the episodes given.' },
);
export type ThresholdFit = Static<typeof ThresholdFit>;

export const AucEstimate = Type.Object(
  {
    value: share('Chance that a success scores above a failure, ties counted half: the area under the ROC curve.'),
    low: share('Lower end of the 95 % confidence interval.'),
    high: share('Upper end of it.'),
  },
  {
    title: 'AucEstimate',
    description: 'The interval is Newcombe’s method 5: Hanley and McNeil’s variance, solved for the true value.',
  },
);
export type AucEstimate = Static<typeof AucEstimate>;

const CalibrationCounts = Type.Object(
  {
    episodes: count('All.'),
    successes: count('Labelled a success.'),
    failures: count('Labelled a failure.'),
    ranges: count('Successes with a `log_prob_range`, which make the bounds.'),
  },
  { title: 'CalibrationCounts' },
);

export const Calibration = Type.Object(
  {
    ...belonging,
    threshold: nullable(
      givenLogProb(
        'What requests with this calibration use: that of `best`, or of `precise` where a precision was wished. Null where there is none; `warnings` say why.',
      ),
    ),
    bounds: nullable(ProgressBounds),
    best: nullable(ThresholdFit),
    precise: nullable(ThresholdFit),
    auc: nullable(AucEstimate),
    counts: CalibrationCounts,
    warnings: Type.Array(Warning),
  },
  {
    title: 'Calibration',
    description:
      'Where success begins for one model, prompt and task, and bounds for progress. Send it along as it is in `episode.calibration`. `best` has the largest Youden’s J; `precise` is the lowest threshold with the wished precision; `bounds` are the medians of the successes’ smallest and largest log_prob_true.',
  },
);
export type Calibration = Static<typeof Calibration>;
