import { ProblemError } from '../problems/problems.ts';

/** Finds text that the model reads as a control token. */
export type ControlTokenCheck = (text: string) => string | undefined;

/**
 * The problem of text that would become a control token.
 * @param pointer JSON pointer to the text that has it
 * @param from what the text is, such as "the instruction"
 */
export function controlTokenProblem(text: string, pointer: string, from: string): ProblemError {
  const detail = `The model reads ${text} as a control token. Remove it from ${from}.`;
  return new ProblemError('special-token-text', detail, { pointer });
}
