import type { SizeLimits } from '../frames/size-limits.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';

/** What one upload may hold. */
export interface UploadLimits extends SizeLimits {
  MAX_FRAMES: number;
  MAX_FRAME_BYTES: number;
  MAX_UPLOAD_BYTES: number;
  MAX_JSON_BYTES: number;
}

/** The options of an episode, generously. */
const OPTIONS_BYTES = 64 * 1024;
/** The digest and the time of a frame, as JSON writes them. */
const BYTES_PER_FRAME = 100;

/** Most bytes of one episode as JSON, its frames not counted: digests and times are the bulk of it. */
export function maxEpisodeBytes({ MAX_FRAMES }: Pick<UploadLimits, 'MAX_FRAMES'>): number {
  return OPTIONS_BYTES + BYTES_PER_FRAME * MAX_FRAMES;
}

/** @param limit bytes */
export function tooLarge(limit: number, place: ProblemPlace): ProblemError {
  return new ProblemError('upload-too-large', `At most ${limit} bytes are taken here.`, { ...place, limit });
}
