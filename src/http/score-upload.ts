import type { FastifyRequest } from 'fastify';
import type { EpisodeResult } from '../../schemas/result.ts';
import { type PrefixLine, scoreEpisode } from '../scoring/score-episode.ts';
import type { Scoring } from '../scoring/scoring.ts';
import type { Upload } from '../upload/upload.ts';
import type { Service } from './service.ts';
import type { Admitted } from './uploads.ts';

/** Scores an episode of an admitted request, and counts its cost in the metrics. @throws ProblemError */
export async function* scoreUpload(
  upload: Upload,
  { tenant }: FastifyRequest,
  { engine, config, renderBudget, metrics }: Service,
  { reservation: { waitedMs }, deadline: { signal } }: Admitted,
): Scoring<PrefixLine, EpisodeResult> {
  const context = { engine, tenant, waitedMs, signal, defaults: config, renderBudget };
  const result = yield* scoreEpisode(upload, context);
  metrics.scored(result);
  return result;
}
