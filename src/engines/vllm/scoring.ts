import type { Reading, ScoreRequest } from '../../engine/engine.ts';
import { framesMissing } from '../../engine/frames-missing.ts';
import { renderFrames } from '../../engine/render-frames.ts';
import type { Family } from '../../families/family.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import { tooLong } from '../../plan/context.ts';
import { countBlocks, type EpisodePlan } from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import { freeBytes } from '../../process/free-bytes.ts';
import { inOrderOfSettling } from '../../process/settled.ts';
import { asker } from './asking.ts';
import { EngineFault } from './faults.ts';
import { formOf, sessionOf } from './items.ts';
import type { Monitor } from './monitor.ts';
import { faultProblem } from './problems.ts';
import type { VllmParts } from './queries.ts';
import { queryReader } from './reading.ts';

/**
 * Scores an episode in one pass. The longest prefix goes first, with data. All others then go in parallel and only name
 * its blocks, so the engine computes no more for each of them than its unfinished block and the prompt text after the
 * blocks.
 * @throws ProblemError if a query cannot be scored; the signal's reason when it aborts
 */
export async function* runQueries(request: ScoreRequest, context: VllmParts): AsyncGenerator<Reading> {
  const { plan, usage } = request;
  const probed = context.monitor.ready(request.served);
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const session = sessionOf(context.secret, request.tenant, await request.frames.origin());
  const { family } = probed.served;
  const form = formOf(family.media, probed.encoding);
  const groups = await renderFrames({ ...request, signal }, plan.frameGroups, form);
  const started = performance.now();
  const going = { ...request, signal };
  const read = queryReader(going, context, probed, asker(going, context, probed, { groups, session }));
  try {
    const [longest, ...shorter] = plan.queries;
    yield await read(longest, 0);
    yield* inOrderOfSettling(shorter.map((each, i) => read(each, i + 1)));
  } catch (error) {
    throw lostFrames(error, plan, groups) ?? problemOf(error, request, context.monitor, family);
  } finally {
    stop.abort();
    for (const { bytes } of groups.flatMap((frames) => [...frames.values()])) if (bytes) freeBytes(bytes);
    usage.engineMs += performance.now() - started;
  }
}

/**
 * Makes the problem for blocks that a growing episode names and the engine has lost. The engine reports one lost item
 * only. So the problem lists every frame without pixels, and the caller needs one more request, not one for each frame.
 * @returns undefined for other faults
 */
function lostFrames(error: unknown, { blocks, queries }: EpisodePlan, groups: ReadonlyMap<number, EngineFrame>[]) {
  // If vLLM still returns status 500 after a retry with all data, it may have lost an item of which it has a stale
  // entry.
  const lost = error instanceof EngineFault && ['cache-miss', 'internal'].includes(error.kind);
  // Only a plan with one group can name frames without sending them.
  const [frames] = groups;
  return lost && frames && groups.length === 1
    ? framesMissing(frames, [...blocks, ...queries.flatMap(({ own }) => own)])
    : undefined;
}

/** Makes the problem for a fault. The engine's own text goes to the log only. */
function problemOf(
  error: unknown,
  { plan, episodePointer }: ScoreRequest,
  monitor: Monitor,
  { media, framesPerBlock }: Family,
): unknown {
  if (!(error instanceof EngineFault)) return error;
  const [longest] = plan.queries;
  switch (error.kind) {
    case 'context': {
      const [a = 0, b = 0] = error.numbers;
      const share = Math.min(a, b) / Math.max(a, b);
      const blocks = Math.max(1, Math.floor(countBlocks(longest) * share - 1));
      return tooLong(longest.framesUsed, framesPerBlock * blocks, error);
    }
    case 'items':
    case 'images': {
      const [limit = 0] = error.numbers;
      const isOfBlocks = (error.kind === 'images') === (media === 'image') && limit > 0;
      return isOfBlocks
        ? tooLong(longest.framesUsed, framesPerBlock * limit, error)
        : faultProblem(new EngineFault('refused', error.message, { cause: error }));
    }
    case 'top': {
      const [limit = 0] = error.numbers;
      const detail = `The engine returns at most ${limit} of the most likely tokens (--max-logprobs of vLLM). Send a smaller \`top_answers\`.`;
      return new ProblemError('invalid-answers', detail, { pointer: `${episodePointer}/top_answers`, limit }, error);
    }
    case 'unreachable':
      monitor.suspect();
      return faultProblem(error);
    default:
      return faultProblem(error);
  }
}
