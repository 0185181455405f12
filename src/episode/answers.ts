import type { ChosenAnswers, RewardKind } from '../../schemas/answers.ts';
import { DEFAULTS } from '../../schemas/defaults.ts';
import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { FieldError } from '../../schemas/problem.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { type ControlTokenCheck, controlTokenProblem } from './control-tokens.ts';

/** At least one text, and each text once. */
type Texts = readonly [string, ...string[]];

/** The answers of an episode: which texts count as True and as False, and what the reward is. */
export interface AnswerChoice {
  trueTexts: Texts;
  falseTexts: Texts;
  reward: RewardKind;
}

/** The answers of a request that chooses none: those of the reference. */
export function defaultAnswers(prompt: PromptVariant): AnswerChoice {
  const { true_texts, false_texts } = DEFAULTS.answers[prompt];
  return { trueTexts: true_texts, falseTexts: false_texts, reward: DEFAULTS.reward };
}

/**
 * The answers of an episode, checked and with every default filled in.
 * @param pointer JSON pointer to the episode in the request
 * @param controlTokenIn finds text that the model reads as a control token
 * @throws ProblemError invalid-request for a text that is repeated or in both lists; special-token-text
 */
export function chooseAnswers(
  { answers = {}, prompt = DEFAULTS.prompt }: Pick<Episode, 'answers' | 'prompt'>,
  pointer: string,
  controlTokenIn: ControlTokenCheck,
): AnswerChoice {
  const usual = defaultAnswers(prompt);
  const trueTexts = given(answers.true_texts) ?? usual.trueTexts;
  const falseTexts = given(answers.false_texts) ?? usual.falseTexts;
  const at = (list: keyof typeof answers, place: number) => `${pointer}/answers/${list}/${place}`;
  const mistakes = [
    ...mistakesIn(answers.true_texts, (place) => at('true_texts', place)),
    ...mistakesIn(answers.false_texts, (place) => at('false_texts', place)),
    ...(answers.false_texts
      ? inBoth(answers.false_texts, trueTexts, (place) => at('false_texts', place), answers.true_texts ? null : 'True')
      : inBoth(answers.true_texts, falseTexts, (place) => at('true_texts', place), 'False')),
  ];
  if (mistakes.length > 0) throw invalidRequest(mistakes);
  for (const list of ['true_texts', 'false_texts'] as const) {
    for (const [place, text] of (answers[list] ?? []).entries()) {
      const special = controlTokenIn(text);
      if (special !== undefined) throw controlTokenProblem(special, at(list, place), 'the text');
    }
  }
  return { trueTexts, falseTexts, reward: answers.reward ?? usual.reward };
}

/** The answers in the form of a response. */
export function writtenAnswers({ trueTexts, falseTexts, reward }: AnswerChoice): ChosenAnswers {
  return { true_texts: [...trueTexts], false_texts: [...falseTexts], reward };
}

/** Whether the answers are those of the reference. Thresholds of the operator and of the model hold for these only. */
export function areDefault(answers: AnswerChoice, prompt: PromptVariant): boolean {
  return areSame(answers, writtenAnswers(defaultAnswers(prompt)));
}

/** Whether two choices give the same rewards. The order of the texts does not matter. */
export function areSame(answers: AnswerChoice, { true_texts, false_texts, reward }: ChosenAnswers): boolean {
  return (
    answers.reward === reward &&
    haveSame(answers.trueTexts, true_texts) &&
    // The log probability of True does not depend on the texts for False.
    (reward === 'log_prob' || haveSame(answers.falseTexts, false_texts))
  );
}

function haveSame(some: readonly string[], others: readonly string[]): boolean {
  return some.every((text) => others.includes(text)) && others.every((text) => some.includes(text));
}

function given([first, ...others]: readonly string[] = []): Texts | undefined {
  return first === undefined ? undefined : [first, ...others];
}

function mistakesIn(texts: readonly string[] = [], at: (place: number) => string): FieldError[] {
  return texts.flatMap((text, place) => {
    if (!text.isWellFormed())
      return [{ pointer: at(place), detail: 'contains half of a surrogate pair, which is not valid Unicode' }];
    return texts.indexOf(text) < place ? [{ pointer: at(place), detail: 'is in the list twice' }] : [];
  });
}

/** @param byDefault what `others` stand for if they are those of the prompt */
function inBoth(
  texts: readonly string[] = [],
  others: readonly string[],
  at: (place: number) => string,
  byDefault: 'True' | 'False' | null,
): FieldError[] {
  const detail =
    byDefault === null
      ? 'is a text for True and for False'
      : `is the default text for ${byDefault}; send \`${byDefault.toLowerCase()}_texts\` too`;
  return texts.flatMap((text, place) => (others.includes(text) ? [{ pointer: at(place), detail }] : []));
}
