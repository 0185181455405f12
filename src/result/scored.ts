import type { FrameSize, VideoProvenance } from '../../schemas/reward.ts';
import type { EngineUsage, Reading } from '../engine/engine.ts';
import type { ServedModel } from '../engine/served-model.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { ControlPlan } from '../plan/controls.ts';
import { type EpisodePlan, type PlannedPrefix, queriesOf } from '../plan/plan.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';

/** Settings of the operator for results. */
export interface ResultDefaults {
  SUCCESS_THRESHOLD?: number;
  FLAT_BELOW?: number;
}

/** A control, and one reading for each query of its plan, by its index. */
export interface ScoredControl extends ControlPlan {
  readings: ReadonlyMap<number, Reading>;
}

/** Everything that a result is made from. `Tokens` are those that the method reads. */
export interface Scored<Tokens = unknown> {
  request: EpisodeRequest;
  frames: { count: number; size: FrameSize; warnings: EpisodeWarning[]; video?: VideoProvenance };
  plan: EpisodePlan;
  tokens: Tokens;
  /** one reading for each query of the plan, by its index */
  readings: ReadonlyMap<number, Reading>;
  /** the requested controls, scored */
  controls: ScoredControl[];
  usage: EngineUsage;
  served: ServedModel;
  defaults: ResultDefaults;
}

/**
 * What the engine read for a query.
 * @param query index in the plan's queries
 * @throws Error if the engine has left it out: no number is invented
 */
export function readingOf(readings: Scored['readings'], query: number): Reading {
  const reading = readings.get(query);
  if (!reading) throw new Error(`The engine returned nothing for query ${query} of the plan.`);
  return reading;
}

/** What the engine read for the queries of a prefix. @throws Error if the engine has left one out */
export function valuesOf(readings: Scored['readings'], prefix: PlannedPrefix): number[][] {
  return queriesOf(prefix).map((query) => readingOf(readings, query).values);
}
