import { ProblemError, type ProblemPlace } from '../problems.ts';

/** What the index of a file may claim. Programs that read it reserve memory for each claim, before any of it is shown to be true. */
export interface IndexLimits {
  /** of all tracks together */
  samples: number;
  /** boxes of an MP4: a file of fragments has seven for each */
  boxes: number;
  place: ProblemPlace;
}

/** A camera's file has two to eight: pictures, sound, time code, sensors. */
export const MAX_TRACKS = 64;
/** Samples of a file for each frame that an episode may have: a file of 24 h at 50 frames a second has 4.3 million. */
const SAMPLES_PER_FRAME = 500;
const LEAST_SAMPLES = 1_000_000;
const SAMPLES_PER_BOX = 5;

/** @param maxFrames of one episode */
export function indexLimits(maxFrames: number, place: ProblemPlace): IndexLimits {
  const samples = Math.max(LEAST_SAMPLES, SAMPLES_PER_FRAME * maxFrames);
  return { samples, boxes: samples / SAMPLES_PER_BOX, place };
}

/** @throws ProblemError video-too-large */
export function checkSamples(samples: number, { samples: limit, place }: IndexLimits): void {
  if (samples <= limit) return;
  const detail = `The index of the file is for ${samples} samples or more, over all tracks and edits; at most ${limit} are taken. Send a shorter file.`;
  throw new ProblemError('video-too-large', detail, { ...place, limit });
}

/** @throws ProblemError video-too-large */
export function checkTracks(tracks: number, { place }: IndexLimits): void {
  if (tracks <= MAX_TRACKS) return;
  const detail = `The file has more than ${MAX_TRACKS} tracks. Send one with the video alone.`;
  throw new ProblemError('video-too-large', detail, { ...place, limit: MAX_TRACKS });
}

/** @param why a sentence */
export function damagedIndex(why: string, { place }: IndexLimits): ProblemError {
  return new ProblemError('video-damaged', `The file is damaged. ${why}`, place);
}
