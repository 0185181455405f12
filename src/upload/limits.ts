import { ProblemError, type ProblemPlace } from '../problems.ts';

/** What one upload may hold. */
export interface UploadLimits {
  MAX_FRAMES: number;
  MAX_FRAME_PIXELS: number;
  MAX_FRAME_BYTES: number;
  MAX_UPLOAD_BYTES: number;
}

/** @param limit bytes */
export function tooLarge(limit: number, place: ProblemPlace): ProblemError {
  return new ProblemError('upload-too-large', `At most ${limit} bytes are taken here.`, { ...place, limit });
}
