import type { Engine, EngineUsage, Reading } from '../engine/engine.ts';
import type { FairQueue } from '../limits/fair-queue.ts';
import type { Method } from '../methods/method.ts';
import type { NonEmpty } from '../plan/non-empty.ts';
import { type EpisodePlan, type PlannedPrefix, queriesOf } from '../plan/plan.ts';
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
  const { plan, controlPlans, answers } = await planEpisode(episode, profile, {
    engine,
    method,
    caller: { tenant, signal },
  });
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
  const waiting = waitingPrefixes(plan);
  const total = plan.prefixes.length;
  let known = 0;
  for await (const reading of runPlan({ plan, instruction: request.instruction, pointer: '/instruction' }, context)) {
    readings.set(reading.query, reading);
    const group = waiting.get(reading.query);
    if (!group) continue;
    group.unread -= 1;
    if (group.unread > 0) continue;
    const values = valuesOf(readings, group.prefixes[0]);
    for (const prefix of method.prefixes(group.prefixes, values, { request, answers })) {
      known += 1;
      yield { prefix, known, total };
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

/** Prefixes with the same queries. */
interface WaitingPrefixes {
  prefixes: NonEmpty<PlannedPrefix>;
  /** how many of their queries are not read yet */
  unread: number;
}

/** The prefixes that wait for each query. 10,000 prefixes with the same sampled frames wait as one. */
function waitingPrefixes({ prefixes }: EpisodePlan): Map<number, WaitingPrefixes> {
  const waiting = new Map<number, WaitingPrefixes>();
  for (const prefix of prefixes) {
    const group = waiting.get(prefix.query);
    if (group) {
      group.prefixes.push(prefix);
      continue;
    }
    const queries = queriesOf(prefix);
    const started: WaitingPrefixes = { prefixes: [prefix], unread: queries.length };
    for (const query of queries) waiting.set(query, started);
  }
  return waiting;
}

/** Runs a scoring to its end and returns the result, without the prefixes before it. @throws ProblemError */
export async function resultOf<Prefix, Result>(scoring: Scoring<Prefix, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = await scoring.next();
    if (done) return value;
  }
}
