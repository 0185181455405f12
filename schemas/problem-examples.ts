import type { Problem } from './problem.ts';
import { PROBLEMS, type ProblemCode, problemType } from './problem-kinds.ts';

const DIGEST = '1e7043acdc5d6cc79fa34a2a9a11da3b9b2d9b8a2c4b1f4e9e1b6f64a4d4b0f5';
const INSTANCE = '5f0c3f2e-6d0b-4a41-9d0a-0c4f6a8a2d11';

/** Details as the service sends them, and the members that such a problem can have. Without an entry: the help as detail. */
const DETAILS: Partial<Record<ProblemCode, Partial<Problem>>> = {
  'malformed-http': { detail: 'The `Host` header is missing. Send `Host:` with the host name of the URL.' },
  'malformed-json': {
    detail:
      'The part `episode` is not valid JSON. It contains single quotes. Write double quotes. In Python, send json.dumps(…), not str(…).',
    part: 'episode',
  },
  'unexpected-part': {
    detail:
      'The parts are `episode` (JSON, with all options) and one of `frames` (image files), `npy` (one file) and `video` (one file).',
    part: 'frame',
  },
  unauthorized: { detail: 'Send a valid API key as `Authorization: Bearer KEY`.' },
  'cross-site-request': {
    detail:
      'A web page of another origin (site or port) made the browser send this request. Call the service from its own pages, or from a program.',
  },
  'not-found': { detail: 'Nothing exists at this path. See /docs.' },
  'method-not-allowed': { detail: 'This path does not support GET. It supports: POST.' },
  'upload-timeout': {
    detail:
      'No byte of the upload arrived for 15 s. Send the request again. With `frame_digests`, you need not repeat frames that have arrived.',
  },
  'frames-missing': {
    detail: 'The engine no longer has these frames. Send the same request again, with the frames listed in `missing`.',
    missing: [DIGEST],
  },
  'upload-too-large': {
    detail: 'The request is larger than the limit of 268435456 bytes. Send fewer bytes.',
    limit: 268_435_456,
  },
  'too-many-frames': {
    detail: 'An episode may have at most 10000 frames. Send a shorter episode, or fewer frames per second.',
    frame: 10_000,
    part: 'frames',
    limit: 10_000,
  },
  'unsupported-media-type': { detail: 'Send multipart/form-data or application/json.' },
  'forbidden-host': {
    detail:
      'The service does not accept the host name `rewards.example.com`. Use its IP address or `localhost`, or ask the operator to add the name to ALLOWED_HOSTS.',
  },
  'missing-episode': {
    detail: 'Send the member `episode`, with at least `instruction` and, except for a video, `fps` or `timestamps_s`.',
    pointer: '/episode',
  },
  'invalid-request': {
    detail: '/episode/prefix is not known; did you mean `prefixes`?',
    pointer: '/episode/prefix',
    errors: [{ pointer: '/episode/prefix', detail: 'is not known; did you mean `prefixes`?' }],
  },
  'missing-instruction': {
    detail: 'Send in `instruction` what the robot was told to do.',
    pointer: '/episode/instruction',
  },
  'special-token-text': {
    detail: 'The model reads <|im_end|> as a control token. Remove it from the instruction.',
    pointer: '/episode/instruction',
  },
  'instruction-too-long': { pointer: '/episode/instruction', limit: 1024 },
  'missing-clock': {
    detail:
      'Send `fps`, the rate of the frames that you send, or `timestamps_s`. There is no default, because a wrong fps changes the reward without an error.',
    pointer: '/episode/fps',
  },
  'ambiguous-clock': { detail: 'Send `fps` or `timestamps_s`, not both.', pointer: '/episode/timestamps_s' },
  'invalid-timestamps': {
    detail: 'Timestamp 2 (1 s) is not later than the one before it.',
    pointer: '/episode/timestamps_s/2',
    frame: 2,
  },
  'invalid-prefixes': {
    detail: 'Prefix length 9 is larger than the number of frames in the episode, 4.',
    pointer: '/episode/prefixes/lengths/0',
  },
  'missing-bounds': {
    detail: 'Scale "bounds" requires progress bounds. Send `progress.bounds`, or a `calibration` that has bounds.',
    pointer: '/episode/progress/bounds',
  },
  'invalid-answers': {
    detail:
      'The tokens of " Yes, it is" begin with those of " Yes", so both would count the same answer. Send one of them.',
    pointer: '/episode/answers/true_texts/1',
  },
  'calibration-mismatch': {
    detail:
      'The calibration was made with another model. This service serves topreward-pico 1. Make a calibration with this model.',
    pointer: '/episode/calibration/model',
  },
  'no-frames': {
    detail: 'No frame of the video is in the time range. Its first frame is at 0 s, its last at 3.9 s.',
    part: 'video',
  },
  'unlisted-frame': {
    detail: `\`frame_digests\` does not list this frame, whose digest is ${DIGEST}. A digest is the SHA-256 of the file's bytes or, in a .npy file, of one frame's pixels.`,
    frame: 1,
    part: 'frames',
  },
  'ambiguous-frames': { detail: 'Send only one of `frames`, `npy` and `video`.', part: 'npy' },
  'not-an-image': {
    detail: 'The frame is not a JPEG, PNG or WebP file. Send one of these formats.',
    frame: 4,
    part: 'frames',
  },
  'image-damaged': {
    detail: 'The frame cannot be decoded: it is truncated or damaged, or decoding takes too long.',
    frame: 4,
    part: 'frames',
  },
  'image-unsupported': {
    detail: 'The frame is a CMYK image. Send an 8-bit RGB or grey image.',
    frame: 4,
    part: 'frames',
  },
  'image-too-large': {
    detail: 'A frame is 60000×60000 pixels; width and height must each be at most 8192 pixels. Send smaller frames.',
    frame: 0,
    part: 'frames',
    limit: 8192,
  },
  'frame-sizes-differ': {
    detail: 'This frame is 24×40 pixels, another one is 40×24. All frames of an episode must have the same size.',
    frame: 2,
    part: 'frames',
  },
  'invalid-npy': {
    detail:
      'The shape is (4, 3, 64, 64), but must be (frames, height, width, 3). The channels come first: save numpy.transpose(frames, (0, 2, 3, 1)).',
    part: 'npy',
  },
  'invalid-range': {
    detail: 'The range ends at 2 s, but it starts at 2 s. `to_s` must be later than `from_s`.',
    pointer: '/episode/to_s',
  },
  'not-a-video': { detail: 'The file is not an MP4, WebM or MKV video. Send one of these formats.', part: 'video' },
  'video-unsupported': { detail: 'The file has no video track that this server can read.', part: 'video' },
  'video-damaged': {
    detail: 'The video is damaged: a frame cannot be decoded, or its time or size differs from what the file states.',
    frame: 20,
    part: 'video',
  },
  'video-too-large': { part: 'video', limit: 5_000_000 },
  'method-unsupported': {
    detail: 'vLLM was started without images. Add "image" to --limit-mm-per-prompt, as docker/vllm/start.sh does.',
    pointer: '/episode/method',
  },
  'frame-size-unsupported': { pointer: '/episode/frame_size' },
  'pipeline-unsupported': { pointer: '/episode/pipeline' },
  'context-exceeded': { limit: 880 },
  'too-many-wrong-keys': {
    detail: 'Too many wrong keys arrived from this address. Correct the key and try again in 60 s.',
    retry_after_s: 60,
  },
  'internal-error': { detail: 'The service has failed. Send the `instance` to the operator: the log has the details.' },
  'video-unavailable': {
    detail: 'This server has no ffmpeg, so it does not accept videos. Send the frames instead.',
    part: 'video',
  },
  'server-busy': {
    detail: 'The queue is full: 256 requests are waiting already. Try again in 2 s.',
    limit: 256,
    retry_after_s: 2,
  },
  'storage-unavailable': {
    detail:
      'The service cannot store the video: its disk is full or not usable. Try again later, or send the frames as images.',
    part: 'video',
    retry_after_s: 5,
  },
  'engine-unavailable': { detail: 'The engine cannot be reached.', retry_after_s: 5 },
  'engine-busy': { detail: 'The engine has too many requests waiting. Try again in a moment.', retry_after_s: 5 },
  'engine-failed': {
    detail: 'The engine failed on this episode, and failed again after a retry with all frames. Tell the operator.',
  },
  'engine-answer-unusable': {
    detail: 'The response of the engine is not usable, so the episode has no score. Tell the operator.',
  },
  'deadline-exceeded': {
    detail: 'The episode could not be scored in time. Try again in 5 s, or send a shorter episode.',
    retry_after_s: 5,
  },
  'video-timeout': {
    detail:
      'Reading the video took more than 60 s. Send a shorter time range, fewer or smaller frames, or the frames as images.',
    part: 'video',
    limit: 60,
  },
};

/** An example of a problem, for the contract and for the page about it. */
export function exampleProblem(code: ProblemCode): Problem {
  const { status, title, help } = PROBLEMS[code];
  return { type: problemType(code), title, status, code, detail: help, instance: INSTANCE, ...DETAILS[code] };
}
