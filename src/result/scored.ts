import type { FrameSize, VideoProvenance } from '../../schemas/reward.ts';
import type { EngineUsage, ModelProfile, Reading } from '../engine/engine.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';

/** Settings of the operator for results. */
export interface ResultDefaults {
  SUCCESS_THRESHOLD?: number;
  FLAT_BELOW?: number;
}

/** Everything that a result is made from. */
export interface Scored {
  request: EpisodeRequest;
  frames: { count: number; size: FrameSize; warnings: EpisodeWarning[]; video?: VideoProvenance };
  plan: EpisodePlan;
  size: FrameSize;
  /** one reading for each query of the plan, in the same order */
  readings: Reading[];
  usage: EngineUsage;
  profile: ModelProfile;
  defaults: ResultDefaults;
}
