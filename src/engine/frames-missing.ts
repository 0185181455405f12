import type { ShownFrame } from '../frames/frames.ts';
import type { Block } from '../plan/plan.ts';
import { ProblemError } from '../problems.ts';

/**
 * The problem of a growing episode whose frames the engine does not know any more.
 * @param frames by raw frame number
 * @param blocks that are not known
 * @returns undefined where every frame of them is here
 */
export function framesMissing(frames: ReadonlyMap<number, ShownFrame>, blocks: Block[]): ProblemError | undefined {
  const named = blocks.flatMap(({ first, second }) => [frames.get(first), frames.get(second)] as ShownFrame[]);
  const missing = [...new Set(named.filter(({ bytes }) => bytes === null).map(({ digest }) => digest))];
  if (missing.length === 0) return undefined;
  const detail = 'The engine does not know these frames any more. Send the same request again, with them.';
  return new ProblemError('frames-missing', detail, { missing });
}
