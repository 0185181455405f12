import { type Static, Type } from 'typebox';
import { CalibratedAnswers, ChosenAnswers } from './answers.ts';
import { DEFAULT_PROFILE } from './defaults.ts';
import { Pipeline, PromptVariant, ScoredCurve } from './enumerations.ts';
import { givenReward } from './log-prob.ts';
import { nullable } from './nullable.ts';
import { CalibrationBounds } from './progress.ts';
import { Warning } from './reward.ts';

const closed = { additionalProperties: false };

/** Most episodes in one call. */
const MAX_CALIBRATION_EPISODES = 10_000;

/** What a calibration is for, as the caller says. */
const belonging = {
  id: Type.Optional(Type.String({ maxLength: 256, description: 'Your own id. The calibration repeats it unchanged.' })),
  model: Type.Optional(
    Type.String({
      maxLength: 1024,
      description:
        '`provenance.model` of the scored episodes. The service refuses this calibration when it uses another model.',
    }),
  ),
  profile: Type.Optional(
    Type.String({
      maxLength: 64,
      description: `\`provenance.profile.name\` of the scored episodes. The service refuses this calibration when it uses another profile. Absent: it is for \`${DEFAULT_PROFILE}\`.`,
    }),
  ),
  /** The service refuses this calibration with another prompt or pipeline. */
  prompt: Type.Optional(PromptVariant),
  pipeline: Type.Optional(Pipeline),
  /** The service refuses this calibration with other answers. Absent: the default answers. */
  answers: Type.Optional(ChosenAnswers),
  curve: Type.Optional(ScoredCurve),
  final_prefixes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description:
        '`success.final_prefixes` of the scored episodes: how many prefixes their scores average. A response whose score averages another number has a warning.',
    }),
  ),
  task: Type.Optional(
    Type.String({
      maxLength: 4000,
      description: 'The task, for people to read. The calibration repeats it; nothing checks it.',
    }),
  ),
};

const LabelledEpisode = Type.Object(
  {
    success: Type.Boolean({ description: 'Whether the robot completed the task, as a person saw it.' }),
    score: givenReward(
      '`score` of the episode’s response, or `controls.static.corrected.score` with the curve `corrected`, in nats. Above 0 only with the curve `corrected` or for log odds.',
    ),
    log_prob_range: Type.Optional(
      Type.Object(
        {
          min: givenReward('Smallest value of the curve, in nats.'),
          max: givenReward('Largest value of the curve, in nats.'),
        },
        {
          ...closed,
          title: 'ScoredRange',
          description:
            '`min` and `max` of the response’s `log_prob_range`, or of `controls.static.corrected.range` with the curve `corrected`. Those of the successes make the bounds.',
        },
      ),
    ),
  },
  { ...closed, title: 'LabelledEpisode', description: 'One scored episode and its label.' },
);

export const CalibrationRequest = Type.Object(
  {
    ...belonging,
    answers: Type.Optional(CalibratedAnswers),
    episodes: Type.Array(LabelledEpisode, {
      minItems: 1,
      maxItems: MAX_CALIBRATION_EPISODES,
      description:
        'Scored and labelled episodes, all with the same model, prompt, answers, task and choice of prefixes.',
    }),
    precision: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description:
          'Requested precision: the share of true successes among the episodes that are called a success. With it, `threshold` is that of `precise`.',
      }),
    ),
  },
  {
    ...closed,
    title: 'CalibrationRequest',
    description:
      'Labelled scores, and what they belong to. If they were made with `answers`, send `provenance.answers` of a response.',
    examples: [
      {
        model: 'topreward-pico 1',
        prompt: 'open',
        final_prefixes: 3,
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
    threshold: givenReward('An episode is called a success if its score is at or above this value, in nats.'),
    true_positives: count('Successes that are called a success.'),
    false_positives: count('Failures that are called a success.'),
    true_negatives: count('Failures that are called a failure.'),
    false_negatives: count('Successes that are called a failure.'),
    sensitivity: share('Share of the successes that are called a success (recall).'),
    specificity: share('Share of the failures that are called a failure.'),
    precision: share('Share of true successes among the episodes that are called a success.'),
    youden: Type.Number({ minimum: -1, maximum: 1, description: 'Youden’s J: sensitivity + specificity − 1.' }),
  },
  { title: 'ThresholdFit', description: 'A threshold, and how it divides the given episodes.' },
);
export type ThresholdFit = Static<typeof ThresholdFit>;

export const AucEstimate = Type.Object(
  {
    value: share(
      'Area under the ROC curve: the probability that a success scores higher than a failure, ties counted as one half.',
    ),
    low: share('Lower end of the 95 % confidence interval.'),
    high: share('Upper end of the 95 % confidence interval.'),
  },
  {
    title: 'AucEstimate',
    description:
      'How well the scores divide successes from failures. 0.5 is guessing. The interval is Newcombe’s method 5: the variance of Hanley and McNeil, solved for the true value.',
  },
);
export type AucEstimate = Static<typeof AucEstimate>;

const CalibrationCounts = Type.Object(
  {
    episodes: count('All episodes.'),
    successes: count('Episodes with the label success.'),
    failures: count('Episodes with the label failure.'),
    ranges: count('Successes with a `log_prob_range`. The bounds are made from them.'),
  },
  { title: 'CalibrationCounts', description: 'How many episodes the calibration was made from.' },
);

export const Calibration = Type.Object(
  {
    ...belonging,
    threshold: nullable(
      givenReward(
        'The threshold that requests with this calibration use, in nats: that of `best`, or that of `precise` if a precision was requested. Null if there is none; `warnings` say why.',
      ),
    ),
    bounds: nullable(CalibrationBounds),
    best: nullable(ThresholdFit),
    precise: nullable(ThresholdFit),
    auc: nullable(AucEstimate),
    counts: CalibrationCounts,
    warnings: Type.Array(Warning, { description: 'What is missing or uncertain, and why.' }),
  },
  {
    title: 'Calibration',
    description:
      'A success threshold and progress bounds for one model, prompt, choice of answers and task. Send it unchanged in `episode.calibration`. The fit `best` has the largest Youden’s J. The fit `precise` has the lowest threshold with the requested precision. The bounds are the medians of the successes’ smallest and largest value on the curve.',
  },
);
export type Calibration = Static<typeof Calibration>;
