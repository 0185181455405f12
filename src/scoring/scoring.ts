import type { Engine, EngineUsage } from '../engine/engine.ts';
import type { FairQueue } from '../limits/fair-queue.ts';
import type { ResultDefaults } from '../result/scored.ts';

/** What is needed to score one episode. */
export interface ScoringContext {
  engine: Engine;
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
export interface ScoredPrefix<Line> {
  line: Line;
  known: number;
  total: number;
}

/** The scoring of one episode. It yields each prefix as soon as it is scored, and returns the complete result. */
export type Scoring<Line, Result> = AsyncGenerator<ScoredPrefix<Line>, Result, void>;

/** The cost of an episode that has only waited. */
export function newUsage(queuedMs: number): EngineUsage {
  return { requests: 0, resends: 0, bytes: 0, queuedMs, decodingMs: 0, engineMs: 0 };
}

/** Runs a scoring to its end and returns the result, without the prefixes before it. @throws ProblemError */
export async function resultOf<Line, Result>(scoring: Scoring<Line, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = await scoring.next();
    if (done) return value;
  }
}
