import { ProblemError, type ProblemPlace } from '../problems/problems.ts';

/**
 * Limits for what the index of a file may claim. Programs that read the file allocate memory for each claim without a
 * check.
 */
export interface IndexLimits {
  /** most samples of all tracks together */
  samples: number;
  /** most boxes of an MP4; a fragmented file has seven for each fragment */
  boxes: number;
  place: ProblemPlace;
}

/** Most tracks of a file. A camera's file has two to eight: video, sound, time code, sensors. */
export const MAX_TRACKS = 64;
/** Most samples of a file per frame that an episode may have. A file of 24 h at 50 fps has 4.3 million samples. */
const SAMPLES_PER_FRAME = 500;
const LEAST_SAMPLES = 1_000_000;
const SAMPLES_PER_BOX = 5;

/** Makes the limits for one file. @param maxFrames most frames of one episode */
export function indexLimits(maxFrames: number, place: ProblemPlace): IndexLimits {
  const samples = Math.max(LEAST_SAMPLES, SAMPLES_PER_FRAME * maxFrames);
  return { samples, boxes: samples / SAMPLES_PER_BOX, place };
}

/** Checks the number of samples of all tracks. @throws ProblemError video-too-large */
export function checkSamples(samples: number, { samples: limit, place }: IndexLimits): void {
  if (samples <= limit) return;
  const detail = `The index of the file claims at least ${samples} samples, over all tracks and edits; at most ${limit} are accepted. Send a shorter file.`;
  throw new ProblemError('video-too-large', detail, { ...place, limit });
}

/** Checks the number of tracks. @throws ProblemError video-too-large */
export function checkTracks(tracks: number, { place }: IndexLimits): void {
  if (tracks <= MAX_TRACKS) return;
  const detail = `The file has more than ${MAX_TRACKS} tracks. Send a file with only the video track.`;
  throw new ProblemError('video-too-large', detail, { ...place, limit: MAX_TRACKS });
}

/** Makes the problem for an index that cannot be true. @param why one sentence */
export function damagedIndex(why: string, { place }: IndexLimits): ProblemError {
  return new ProblemError('video-damaged', `The file is damaged. ${why}`, place);
}
