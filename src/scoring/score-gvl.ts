import type { GvlResult } from '../../schemas/gvl.ts';
import { checkAgainstFrames } from '../episode/episode.ts';
import { planGvl } from '../methods/gvl/plan.ts';
import { gvlResult } from '../methods/gvl/result.ts';
import { ProblemError } from '../problems/problems.ts';
import type { Upload } from '../upload/upload.ts';
import { checkControlTokens } from './checks.ts';
import { renderedBytes } from './rendered-bytes.ts';
import { newUsage, type Scoring, type ScoringContext } from './scoring.ts';

/**
 * Scores one episode with GVL, in these steps: upload → episode → plan → engine → scores → result. It has no prefixes.
 * @throws ProblemError
 */
// biome-ignore lint/correctness/useYield: a scoring yields prefixes, and this method has none
export async function* scoreGvl(
  { request, frames, pointer, waitedMs: waitedReading }: Upload,
  { engine, tenant, waitedMs, signal, renderBudget }: ScoringContext,
): Scoring<never, GvlResult> {
  const served = engine.describe();
  if ('unavailable' in served.generation)
    throw new ProblemError('method-unsupported', served.generation.unavailable, { pointer: `${pointer}/method` });
  checkAgainstFrames(request, frames.count, pointer);
  await checkControlTokens(request, engine, { tenant, signal }, pointer);
  const plan = planGvl(request, frames.count, served.family.gvlFrames(served.referenceFrame), pointer);
  const usage = newUsage(waitedMs + waitedReading);
  const limits = { limit: renderBudget.capacity, pointer, of: 'gvl' as const };
  const bytes = renderedBytes(plan.generation, frames, { frameEncoding: 'png' }, limits);
  const memory = await renderBudget.enter({ tenant }, signal, bytes);
  usage.queuedMs += memory.waitedMs;
  try {
    const places = { pointer: `${pointer}/instruction`, episodePointer: pointer };
    const generated = await engine.generate({
      served,
      plan: plan.generation,
      frames,
      tenant,
      ...places,
      signal,
      usage,
    });
    return gvlResult({ request, frames, plan, generated, usage, served });
  } finally {
    memory.release();
  }
}
