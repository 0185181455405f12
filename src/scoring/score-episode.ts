import type { Engine, EngineUsage, Reading } from '../engine/engine.ts';
import type { FairQueue } from '../limits/fair-queue.ts';
import type { Method } from '../methods/method.ts';
import { queriesOf } from '../plan/plan.ts';
import { type ResultDefaults, type ScoredControl, valuesOf } from '../result/scored.ts';
import type { Upload } from '../upload/upload.ts';
import { planEpisode } from './plan-episode.ts';
import { runPlan } from './run-plan.ts';

/** What is needed to score one episode. */
interface ScoringContext<Prefix, Result> {
  engine: Engine;
  method: Method<Prefix, Result>;
  /** owner of the episode */
  tenant: string;
  /** time that the request waited before its upload was read, ms */
  waitedMs: number;
  /** aborts when the response is no longer needed */
  signal: AbortSignal;
  defaults: ResultDefaults;
  /** limits the memory of the rendered frames of all episodes together */
  renderBudget: FairQueue;
}

/** One prefix, as soon as it is scored, and how many of all prefixes are scored by then. */
export interface ScoredPrefix<Prefix> {
  prefix: Prefix;
  known: number;
  total: number;
}

/** The scoring of one episode. It yields each prefix as soon as it is scored, and returns the complete result. */
export type Scoring<Prefix, Result> = AsyncGenerator<ScoredPrefix<Prefix>, Result, void>;

/**
 * Scores one episode, in these steps: upload → episode → plan → engine → scores → result. Its controls follow it, one plan each.
 * @throws ProblemError
 */
export async function* scoreEpisode<Prefix, Result>(
  { request, frames, pointer, waitedMs: waitedReading }: Upload,
  { engine, method, tenant, waitedMs, signal, defaults, renderBudget }: ScoringContext<Prefix, Result>,
): Scoring<Prefix, Result> {
  const profile = engine.describe();
  const episode = { request, frames, pointer };
  const { plan, controlPlans, answers } = await planEpisode(episode, profile, { engine, method, signal });
  const usage: EngineUsage = {
    requests: 0,
    resends: 0,
    bytes: 0,
    queuedMs: waitedMs + waitedReading,
    decodingMs: 0,
    engineMs: 0,
  };
  const context = { engine, profile, frames, tenant, pointer, signal, usage, renderBudget };
  const readings = new Map<number, Reading>();
  const reads = plan.prefixes.flatMap((prefix) => queriesOf(prefix).map((query) => ({ query, prefix })));
  const prefixesOf = Map.groupBy(reads, ({ query }) => query);
  const total = plan.prefixes.length;
  let known = 0;
  for await (const reading of runPlan({ plan, instruction: request.instruction, pointer: '/instruction' }, context)) {
    readings.set(reading.query, reading);
    for (const { prefix } of prefixesOf.get(reading.query) ?? []) {
      if (!queriesOf(prefix).every((query) => readings.has(query))) continue;
      known += 1;
      yield { prefix: method.prefix(prefix, valuesOf(readings, prefix), { request, answers }), known, total };
    }
  }
  const controls: ScoredControl[] = [];
  // One after another, so that the rendered frames of only one plan are in memory.
  for (const control of controlPlans) {
    const read = await Array.fromAsync(runPlan(control, context));
    controls.push({ ...control, readings: new Map(read.map((reading) => [reading.query, reading])) });
  }
  return method.result({ request, frames, plan, answers, readings, controls, usage, profile, defaults });
}

/** Runs a scoring to its end and returns the result, without the prefixes before it. @throws ProblemError */
export async function resultOf<Prefix, Result>(scoring: Scoring<Prefix, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = await scoring.next();
    if (done) return value;
  }
}
