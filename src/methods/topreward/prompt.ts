import type { PromptVariant } from '../../../schemas/enumerations.ts';
import { type AnswerChoice, defaultAnswers } from '../../episode/answers.ts';
import type { Family } from '../../families/family.ts';
import type { TrueAndFalse } from '../../plan/plan.ts';

/** What TOPReward reads by default: log probabilities of True and of False, in this order. */
export function trueAndFalse(variant: PromptVariant): TrueAndFalse {
  return readOf(defaultAnswers(variant));
}

/** What a query reads for these answers: the log probability of the texts for True, then of those for False. */
export function readOf({ trueTexts, falseTexts }: AnswerChoice): TrueAndFalse {
  return { answers: [trueTexts, falseTexts] };
}

/**
 * The text that follows the video: that of the family's profile, or the authors' for Qwen3-VL.
 * Source: arXiv 2602.19313, copied unchanged from the authors' code.
 */
export function statement(instruction: string, family?: Pick<Family, 'statement'>): string {
  if (family?.statement) return family.statement(instruction);
  return `The above video shows a robot manipulation trajectory that completes the following task: ${instruction} Decide whether the above statement is True or not. The answer is:`;
}
