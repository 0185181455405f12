import { ProblemError } from '../../problems/problems.ts';
import { RETRY_AFTER_S } from '../../problems/retry-after.ts';
import type { EngineFault } from './faults.ts';

/**
 * Makes the problem for a fault that has nothing to do with the length of an episode. The engine's own text does not
 * reach the caller.
 */
export function faultProblem(fault: EngineFault): ProblemError {
  const again = { retry_after_s: RETRY_AFTER_S.vllm };
  switch (fault.kind) {
    case 'busy':
      return new ProblemError(
        'engine-busy',
        'The engine has too many requests waiting. Try again in a moment.',
        again,
        fault,
      );
    case 'unreachable':
      return new ProblemError(
        'engine-unavailable',
        'The engine stopped responding. Try again in a moment.',
        again,
        fault,
      );
    case 'refused':
    case 'unusable':
      return new ProblemError(
        'engine-answer-unusable',
        'The response of the engine is not usable, so the episode has no score. Tell the operator.',
        {},
        fault,
      );
    default:
      return new ProblemError(
        'engine-failed',
        'The engine failed on this episode, and failed again after a retry with all frames. Tell the operator.',
        {},
        fault,
      );
  }
}
