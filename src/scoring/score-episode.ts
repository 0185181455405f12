import type { EpisodeResult } from '../../schemas/result.ts';
import type { LikelihoodPrefixEvent, PrefixEvent } from '../../schemas/reward-event.ts';
import { INSTRUCTION_LIKELIHOOD } from '../methods/instruction-likelihood/method.ts';
import { TOPREWARD } from '../methods/topreward/method.ts';
import type { Upload } from '../upload/upload.ts';
import { scoreGvl } from './score-gvl.ts';
import { scorePrefixes } from './score-prefixes.ts';
import type { Scoring, ScoringContext } from './scoring.ts';

/** One prefix of a response in lines, without the counts. */
export type PrefixLine = Omit<PrefixEvent, 'known' | 'total'> | Omit<LikelihoodPrefixEvent, 'known' | 'total'>;

/** Scores one episode with the method of its request. @throws ProblemError */
export function scoreEpisode(upload: Upload, context: ScoringContext): Scoring<PrefixLine, EpisodeResult> {
  switch (upload.request.method) {
    case 'topreward':
      return scorePrefixes(upload, TOPREWARD, context);
    case 'instruction_likelihood':
      return scorePrefixes(upload, INSTRUCTION_LIKELIHOOD, context);
    case 'gvl':
      return scoreGvl(upload, context);
  }
}
