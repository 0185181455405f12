import type { FastifyRequest } from 'fastify';
import type { RewardResult } from '../../schemas/reward.ts';
import { DEFAULT_METHOD } from '../methods/registry.ts';
import type { PrefixScore } from '../methods/topreward/result.ts';
import { type Scoring, scoreEpisode } from '../scoring/score-episode.ts';
import type { Upload } from '../upload/upload.ts';
import type { Service } from './service.ts';
import type { Admitted } from './uploads.ts';

/** Scores an episode of an admitted request, and counts its cost in the metrics. @throws ProblemError */
export async function* scoreUpload(
  upload: Upload,
  { tenant }: FastifyRequest,
  { engine, config, renderBudget, metrics }: Service,
  { reservation: { waitedMs }, deadline: { signal } }: Admitted,
): Scoring<PrefixScore, RewardResult> {
  const context = { engine, method: DEFAULT_METHOD, tenant, waitedMs, signal, defaults: config, renderBudget };
  const result = yield* scoreEpisode(upload, context);
  metrics.scored(result);
  return result;
}
