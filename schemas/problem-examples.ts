import type { Problem } from './problem.ts';
import { PROBLEMS, type ProblemCode, problemType } from './problem-kinds.ts';

const DIGEST = '1e7043acdc5d6cc79fa34a2a9a11da3b9b2d9b8a2c4b1f4e9e1b6f64a4d4b0f5';

/** Details as the service writes them. A problem without an entry shows its help. */
const DETAILS: Partial<Record<ProblemCode, Partial<Problem>>> = {
  'malformed-json': { detail: 'The body is not valid JSON.' },
  unauthorized: { detail: 'Send `Authorization: Bearer KEY` with a valid key.' },
  'frames-missing': {
    detail: 'Send the request again with the frames in `missing`.',
    missing: [DIGEST],
  },
  'upload-too-large': { detail: 'The upload has more than 268435456 bytes.', limit: 268_435_456 },
  'too-many-frames': { detail: 'The episode has more than 10000 frames.', limit: 10_000 },
  'invalid-request': {
    detail: '/episode/prefix is not known; did you mean `prefixes`?',
    pointer: '/episode/prefix',
    errors: [{ pointer: '/episode/prefix', detail: 'is not known; did you mean `prefixes`?' }],
  },
  'missing-instruction': { pointer: '/episode/instruction' },
  'special-token-text': { pointer: '/episode/instruction' },
  'instruction-too-long': { pointer: '/episode/instruction', limit: 1024 },
  'missing-clock': { pointer: '/episode/fps' },
  'ambiguous-clock': { pointer: '/episode/timestamps_s' },
  'invalid-timestamps': { pointer: '/episode/timestamps_s/3' },
  'invalid-prefixes': { pointer: '/episode/prefixes/lengths' },
  'missing-bounds': { pointer: '/episode/training/shaping' },
  'calibration-mismatch': { pointer: '/episode/calibration/model' },
  'not-an-image': { detail: 'Frame 4 is not a JPEG, PNG or WebP file.', frame: 4, part: 'frames' },
  'image-damaged': { frame: 4, part: 'frames' },
  'image-unsupported': { frame: 4, part: 'frames' },
  'image-too-large': { frame: 0, limit: 16_777_216, part: 'frames' },
  'frame-sizes-differ': { frame: 7, part: 'frames' },
  'invalid-npy': { part: 'npy' },
  'invalid-range': { pointer: '/episode/to_s' },
  'context-exceeded': { limit: 880 },
  'too-many-wrong-keys': { retry_after_s: 42 },
  'server-busy': { retry_after_s: 1 },
  'storage-unavailable': { retry_after_s: 10, part: 'video' },
  'engine-unavailable': { retry_after_s: 5 },
  'engine-busy': { retry_after_s: 1 },
  'video-timeout': { limit: 60, part: 'video' },
};

/** An example of a problem, for the contract and for the page about it. */
export function exampleProblem(code: ProblemCode): Problem {
  const { status, title, help } = PROBLEMS[code];
  const instance = '5f0c3f2e-6d0b-4a41-9d0a-0c4f6a8a2d11';
  return { type: problemType(code), title, status, code, detail: help, instance, ...DETAILS[code] };
}
