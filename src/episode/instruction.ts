import { invalidRequest } from '../checking/field-errors.ts';
import { type ControlTokenCheck, controlTokenProblem } from './control-tokens.ts';

/** Whether the `episode` of a request is an object without an instruction, or with a blank one. */
export function lacksInstruction(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  if (!('instruction' in value)) return true;
  const { instruction } = value;
  return instruction === undefined || (typeof instruction === 'string' && instruction.trim() === '');
}

/**
 * Checks an instruction that is not blank.
 * @param pointer JSON pointer to it in the request
 * @throws ProblemError invalid-request or special-token-text
 */
export function checkInstruction(instruction: string, pointer: string, controlTokenIn: ControlTokenCheck): void {
  if (!instruction.isWellFormed()) {
    throw invalidRequest([{ pointer, detail: 'contains half of a surrogate pair, which is not valid Unicode' }]);
  }
  const special = controlTokenIn(instruction);
  if (special) throw controlTokenProblem(special, pointer, 'the instruction');
}
