import { type Static, Type } from 'typebox';
import { DEFAULTS } from './defaults.ts';

const closed = { additionalProperties: false };

/** Most tokens that one query reads: vLLM accepts no more. */
export const MOST_ANSWERS = 128;

/** Most further queries for each prefix, for texts of several tokens. */
export const MOST_FURTHER_QUERIES = 32;

/** Most tokens of `top_answers`: the default of vLLM's --max-logprobs. */
export const MOST_TOP_ANSWERS = 20;

/** Most characters of one text. */
const LONGEST_TEXT = 64;

/** How `reward` is made from the two log probabilities. */
export const RewardKind = (usage: { default?: string } = {}) =>
  Type.Enum(['log_prob', 'log_odds', 'normalised'], {
    title: 'RewardKind',
    description:
      'What `reward` is, in nats. `log_prob`: `log_prob_true`, as in the reference. `log_odds`: `log_prob_true` − `log_prob_false`, which can be above 0. `normalised`: the logarithm of p(true) / (p(true) + p(false)).',
    ...usage,
  });
export type RewardKind = Static<ReturnType<typeof RewardKind>>;

const texts = (description: string) =>
  Type.Array(
    Type.String({
      minLength: 1,
      maxLength: LONGEST_TEXT,
      description:
        'Text of one or more tokens. A leading space belongs to it: with the prompt `open`, most answers need one. Each token after the first is one more query for each prefix.',
    }),
    { minItems: 1, maxItems: MOST_ANSWERS, description },
  );

const trueTexts = texts(
  'Texts that say that the robot completed the task. `log_prob_true` is the log probability that the model continues with one of them.',
);
const falseTexts = texts(
  'Texts that say that it did not. `log_prob_false` is the log probability that the model continues with one of them.',
);

/** The answers of an episode, as a request gives them. */
export const Answers = Type.Object(
  {
    true_texts: Type.Optional(trueTexts),
    false_texts: Type.Optional(falseTexts),
    reward: Type.Optional(RewardKind({ default: DEFAULTS.reward })),
  },
  {
    ...closed,
    title: 'Answers',
    description: `Which answers of the model count as True and as False, and what \`reward\` is. Texts that are left out are those of the prompt: \` True\` and \` False\` with \`open\`, \`True\` and \`False\` with \`chat\`. One query reads at most ${MOST_ANSWERS} tokens.`,
    examples: [{ true_texts: [' True', ' Yes'], false_texts: [' False', ' No'], reward: 'log_odds' }],
  },
);

const chosen = { true_texts: trueTexts, false_texts: falseTexts, reward: RewardKind() };
const description =
  'Which answers of the model count as True and as False, and what `reward` is. Thresholds and bounds belong to one such choice.';

/** The answers that were used, with nothing left out. */
export const ChosenAnswers = Type.Object(chosen, { title: 'ChosenAnswers', description });
export type ChosenAnswers = Static<typeof ChosenAnswers>;

/** The answers that labelled scores were made with: `provenance.answers` of a response. */
export const CalibratedAnswers = Type.Object(chosen, { ...closed, title: 'CalibratedAnswers', description });
