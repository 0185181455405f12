import type { Reading } from '../engine/engine.ts';
import type { PrefixMethod } from '../methods/method.ts';
import type { NonEmpty } from '../plan/non-empty.ts';
import { type EpisodePlan, type PlannedPrefix, queriesOf } from '../plan/plan.ts';
import { type ScoredControl, valuesOf } from '../result/scored.ts';
import type { Upload } from '../upload/upload.ts';
import { planPrefixesOf } from './plan-prefixes.ts';
import { runPlan } from './run-plan.ts';
import { newUsage, type Scoring, type ScoringContext } from './scoring.ts';

/**
 * Scores the prefixes of one episode, in these steps: upload → episode → plan → engine → scores → result. Its controls follow it, one plan
 * each.
 * @throws ProblemError
 */
export async function* scorePrefixes<Tokens, Line, Result>(
  { request, frames, pointer, waitedMs: waitedReading }: Upload,
  method: PrefixMethod<Tokens, Line, Result>,
  { engine, tenant, waitedMs, signal, defaults, renderBudget }: ScoringContext,
): Scoring<Line, Result> {
  const served = engine.describe();
  const episode = { request, frames, pointer };
  const { plan, controlPlans, tokens } = await planPrefixesOf(episode, served, {
    engine,
    method,
    caller: { tenant, signal },
  });
  const usage = newUsage(waitedMs + waitedReading);
  const context = { engine, served, frames, tenant, pointer, signal, usage, renderBudget };
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
    for (const line of method.prefixes(group.prefixes, values, { request, tokens })) {
      known += 1;
      yield { line, known, total };
    }
  }
  const controls: ScoredControl[] = [];
  // One after another, so that the rendered frames of only one plan are in memory.
  for (const control of controlPlans) {
    const read = await Array.fromAsync(runPlan(control, context));
    controls.push({ ...control, readings: new Map(read.map((reading) => [reading.query, reading])) });
  }
  return method.result({ request, frames, plan, tokens, readings, controls, usage, served, defaults });
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
