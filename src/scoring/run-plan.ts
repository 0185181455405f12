import type { Engine, EngineUsage, Reading } from '../engine/engine.ts';
import type { ServedModel } from '../engine/served-model.ts';
import type { Frames } from '../frames/frames.ts';
import type { FairQueue } from '../limits/fair-queue.ts';
import { type EpisodePlan, newestFrames } from '../plan/plan.ts';
import { ProblemError } from '../problems/problems.ts';
import { renderedBytes } from './rendered-bytes.ts';

/** A plan, and the instruction in its prompts. */
interface InstructedPlan {
  plan: EpisodePlan;
  instruction: string;
  /** where the instruction is in the episode: a JSON pointer */
  pointer: string;
}

/** What is needed to run the plans of an episode. */
interface RunContext {
  engine: Engine;
  served: ServedModel;
  frames: Frames;
  /** owner of the episode */
  tenant: string;
  /** JSON pointer to the episode in the request */
  pointer: string;
  signal: AbortSignal;
  usage: EngineUsage;
  /** limits the memory of the rendered frames of all episodes together */
  renderBudget: FairQueue;
}

/**
 * Runs the queries of a plan, and yields each reading once. The rendered frames are in memory only while it runs.
 * @throws ProblemError
 */
export async function* runPlan(
  { plan, instruction, pointer: instructionPointer }: InstructedPlan,
  { engine, served, frames, tenant, pointer, signal, usage, renderBudget }: RunContext,
): AsyncGenerator<Reading> {
  const known = new Set<number>();
  const of = plan.frameGroups[0].resampling === 'published' ? 'published' : 'aligned';
  // An engine may have cached the other blocks of a growing episode.
  frames.restoreRecent(newestFrames(plan));
  for (;;) {
    const bytes = renderedBytes(plan, frames, served, { limit: renderBudget.capacity, pointer, of });
    const memory = await renderBudget.enter({ tenant }, signal, bytes);
    usage.queuedMs += memory.waitedMs;
    const request = {
      served,
      plan,
      frames,
      instruction,
      tenant,
      pointer: `${pointer}${instructionPointer}`,
      episodePointer: pointer,
      signal,
      usage,
    };
    try {
      for await (const reading of engine.score(request)) {
        if (known.has(reading.query)) continue;
        known.add(reading.query);
        yield reading;
      }
      return;
    } catch (error) {
      // Before the client has to send frames again: the service may still have some of them.
      const missing = error instanceof ProblemError && error.code === 'frames-missing';
      if (!missing || !frames.restoreRecent(plan.sampledFrames)) throw error;
    } finally {
      memory.release();
    }
  }
}
