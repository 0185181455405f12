import { ProblemError } from '../../problems.ts';
import type { EngineFault } from './faults.ts';

/** Seconds after which a caller should try again. */
const RETRY_AFTER_S = 5;

/** The caller's side of a fault that has nothing to do with the length of an episode. The engine's own words stay here. */
export function faultProblem(fault: EngineFault): ProblemError {
  const again = { retry_after_s: RETRY_AFTER_S };
  switch (fault.kind) {
    case 'busy':
      return new ProblemError('engine-busy', 'The engine refused more work. Try again in a moment.', again, fault);
    case 'unreachable':
      return new ProblemError(
        'engine-unavailable',
        'The engine stopped answering. Try again in a moment.',
        again,
        fault,
      );
    case 'refused':
    case 'unusable':
      return new ProblemError(
        'engine-answer-unusable',
        'The engine gave no usable answer; no number was made up. Tell the operator.',
        {},
        fault,
      );
    default:
      return new ProblemError(
        'engine-failed',
        'The engine failed on this episode, also when all of it was sent again.',
        {},
        fault,
      );
  }
}
