import type { PromptVariant } from '../../../schemas/enumerations.ts';
import type { TrueAndFalse } from '../../plan/plan.ts';

/**
 * The tokens whose log probability is read, by prompt variant: True, then False. After an open turn they begin with a space.
 */
const ANSWERS = {
  open: [[' True'], [' False']],
  chat: [['True'], ['False']],
} as const satisfies Record<PromptVariant, TrueAndFalse['answers']>;

/** What TOPReward reads: log probabilities of True and of False, in this order. */
export function trueAndFalse(variant: PromptVariant): TrueAndFalse {
  return { answers: ANSWERS[variant] };
}

/**
 * The text that follows the video.
 * Source: arXiv 2602.19313, copied unchanged from the authors' code.
 */
export function statement(instruction: string): string {
  return `The above video shows a robot manipulation trajectory that completes the following task: ${instruction} Decide whether the above statement is True or not. The answer is:`;
}
