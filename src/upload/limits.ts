import type { SizeLimits } from '../frames/size-limits.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';

/** Limits of one upload. */
export interface UploadLimits extends SizeLimits {
  MAX_FRAMES: number;
  MAX_FRAME_BYTES: number;
  MAX_UPLOAD_BYTES: number;
  MAX_JSON_BYTES: number;
}

/** More than the options of an episode ever need. */
const OPTIONS_BYTES = 64 * 1024;
/** The digest and the time of one frame in JSON. */
const BYTES_PER_FRAME = 100;

/** Largest size of one episode in JSON, without its frames, in bytes. Digests and times are most of it. */
export function maxEpisodeBytes({ MAX_FRAMES }: Pick<UploadLimits, 'MAX_FRAMES'>): number {
  return OPTIONS_BYTES + BYTES_PER_FRAME * MAX_FRAMES;
}

/**
 * The problem of an upload, or a part of it, that is too large.
 * @param limit bytes
 * @param place the part; empty for the complete request
 */
export function tooLarge(limit: number, place: ProblemPlace): ProblemError {
  const what = Object.keys(place).length === 0 ? 'The request' : 'This part of the request';
  const detail = `${what} is larger than the limit of ${limit} bytes. Send fewer bytes.`;
  return new ProblemError('upload-too-large', detail, { ...place, limit });
}
