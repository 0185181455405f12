import type { FieldError, Problem } from '../schemas/problem.ts';

/** Every problem the service answers with: HTTP status and title by code. docs/problems.md tells what to do about each. */
export const PROBLEMS = {
  'malformed-http': [400, 'The request is not valid HTTP'],
  'malformed-json': [400, 'The request is not valid JSON'],
  'malformed-multipart': [400, 'The multipart body is broken'],
  'unexpected-part': [400, 'A multipart part has an unknown or repeated name'],
  unauthorized: [401, 'A valid API key is needed'],
  'cross-site-request': [403, 'A page of another site sent the request'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'The path does not support this method'],
  'frames-missing': [409, 'Frames that were named by digest are no longer cached'],
  'upload-timeout': [408, 'The upload took too long'],
  'precondition-failed': [412, 'The file is not the one asked for'],
  'upload-too-large': [413, 'The upload is too large'],
  'too-many-frames': [413, 'The episode has too many frames'],
  'range-not-satisfiable': [416, 'The file has no such range'],
  'expectation-failed': [417, 'The Expect header asks for what is not known'],
  'forbidden-host': [421, 'The service is not known by this host name'],
  'too-many-wrong-keys': [429, 'Too many wrong keys'],
  'headers-too-large': [431, 'The headers are too large'],
  'unsupported-media-type': [415, 'The request body has an unsupported type'],
  'missing-episode': [422, 'The episode part is missing'],
  'invalid-request': [422, 'The request does not fit its schema'],
  'missing-instruction': [422, 'The instruction is missing or empty'],
  'special-token-text': [422, 'The instruction holds text that the model reads as a control token'],
  'instruction-too-long': [422, 'The instruction is too long'],
  'missing-clock': [422, 'Neither fps nor timestamps_s is given'],
  'ambiguous-clock': [422, 'More than one of fps, timestamps_s and a video’s own times is given'],
  'invalid-timestamps': [422, 'The timestamps do not fit the frames'],
  'invalid-prefixes': [422, 'The prefixes asked for do not fit the episode'],
  'missing-bounds': [422, 'This option requires progress bounds'],
  'calibration-mismatch': [422, 'The calibration belongs to another model or prompt'],
  'no-frames': [422, 'There are no frames'],
  'unlisted-frame': [422, 'A frame is not among the digests of the episode'],
  'ambiguous-frames': [422, 'More than one of frames, npy and video is given'],
  'not-an-image': [422, 'A frame is not a JPEG, PNG or WebP image'],
  'image-damaged': [422, 'A frame is truncated or damaged'],
  'image-unsupported': [422, 'A frame has an unsupported format'],
  'image-too-large': [422, 'A frame has too many pixels or bytes'],
  'frame-sizes-differ': [422, 'The frames are not all of one size'],
  'invalid-npy': [422, 'The .npy file is not a uint8 array of shape T×H×W×3'],
  'invalid-range': [422, 'The time range does not fit the video'],
  'not-a-video': [422, 'The file is not an MP4, WebM or MKV video'],
  'video-unsupported': [422, 'The video has an unsupported format'],
  'video-damaged': [422, 'The video is cut off or damaged'],
  'video-too-large': [422, 'The video is too large: tracks, samples, or the memory that reading it takes'],
  'frame-size-unsupported': [422, 'The model does not take this frame size'],
  'context-exceeded': [422, 'The episode is longer than the model can see'],
  'video-unavailable': [501, 'This server cannot read videos'],
  'server-busy': [503, 'The service is busy'],
  'storage-unavailable': [503, 'The video cannot be stored'],
  'engine-unavailable': [503, 'The engine cannot be reached or is not ready'],
  'engine-busy': [503, 'The engine is busy'],
  'engine-failed': [502, 'The engine refused or failed'],
  'engine-answer-unusable': [502, 'The engine answered without the numbers asked for'],
  'deadline-exceeded': [504, 'The request took longer than it may'],
  'video-timeout': [504, 'Reading the video took longer than it may'],
  'internal-error': [500, 'Something went wrong in the service'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem may tell beyond its kind. */
export interface ProblemPlace {
  pointer?: string;
  frame?: number;
  part?: string;
  limit?: number;
  retry_after_s?: number;
  errors?: FieldError[];
  missing?: string[];
}

/** An error that leaves the service as an RFC 9457 problem. Its detail is for the caller: no secrets, no inner messages. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly place: ProblemPlace;

  constructor(code: ProblemCode, detail: string, place: ProblemPlace = {}, cause?: unknown) {
    super(detail, { cause });
    this.code = code;
    this.place = place;
  }
}

/** The problem document of an error. */
export function problemDocument(error: ProblemError, instance: string): Problem {
  const [status, title] = PROBLEMS[error.code];
  const type = `urn:topreward:problem:${error.code}`;
  return { type, title, status, code: error.code, detail: error.message, instance, ...error.place };
}
