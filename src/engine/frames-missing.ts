import type { EngineFrame } from '../frames/rendered.ts';
import type { Block } from '../plan/plan.ts';
import { ProblemError } from '../problems/problems.ts';
import { frameAt } from './render-frames.ts';

/**
 * Makes the problem for a growing episode that names frames without sending them, when the engine has lost their
 * blocks.
 * @param frames by raw frame number
 * @param blocks that the engine does not have
 * @returns undefined if the pixels of every frame in these blocks are here
 */
export function framesMissing(
  frames: ReadonlyMap<number, EngineFrame>,
  blocks: Pick<Block, 'frames'>[],
): ProblemError | undefined {
  const named = blocks.flatMap((block) => block.frames.map((frame) => frameAt(frames, frame)));
  const missing = [...new Set(named.filter(({ bytes }) => bytes === null).map(({ digest }) => digest))];
  if (missing.length === 0) return undefined;
  const detail =
    'The engine no longer has these frames. Send the same request again, with the frames listed in `missing`.';
  return new ProblemError('frames-missing', detail, { missing });
}
