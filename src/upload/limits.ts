import type { SizeLimits } from '../frames/size-limits.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';

/** What one upload may hold. */
export interface UploadLimits extends SizeLimits {
  MAX_FRAMES: number;
  MAX_FRAME_BYTES: number;
  MAX_UPLOAD_BYTES: number;
}

/** @param limit bytes */
export function tooLarge(limit: number, place: ProblemPlace): ProblemError {
  return new ProblemError('upload-too-large', `At most ${limit} bytes are taken here.`, { ...place, limit });
}
