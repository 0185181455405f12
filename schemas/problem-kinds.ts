/** What is known about a kind of problem before it happens. */
interface ProblemKind {
  /** HTTP status */
  status: number;
  title: string;
  /** What the caller can do: shown at `/problems/<code>`, in docs/reference/problems.md and in the contract. */
  help: string;
}

/** Every kind of problem, by code, in the order of their statuses. */
export const PROBLEMS = {
  'malformed-http': {
    status: 400,
    title: 'The request is not valid HTTP',
    help: 'The bytes are not an HTTP/1.1 request, or the `Host` header is missing, repeated or not a host name. Use an HTTP library to send the request.',
  },
  'malformed-json': {
    status: 400,
    title: 'The request is not valid JSON',
    help: 'Send valid JSON. In a form, this is the part `episode` or `batch`. NaN, Infinity, single quotes and trailing commas are not JSON.',
  },
  'malformed-multipart': {
    status: 400,
    title: 'The form is not valid multipart data',
    help: 'The form has no boundary, or it is cut off. Use an HTTP library to build the form, and do not set `Content-Type` yourself.',
  },
  'unexpected-part': {
    status: 400,
    title: 'A part of the form has an unknown or repeated name',
    help: 'Send `episode` once, and one of: any number of `frames`, one `npy`, one `video`. A batch has one `batch` and its files.',
  },
  unauthorized: {
    status: 401,
    title: 'A valid API key is required',
    help: 'Send the header `Authorization: Bearer KEY` with a key that the operator has set in `API_KEYS`.',
  },
  'cross-site-request': {
    status: 403,
    title: 'A web page of another site sent the request',
    help: 'Call the service from its own pages (`/`, `/docs`) or from a program. For a web page of your own, let your server pass the requests on.',
  },
  'not-found': {
    status: 404,
    title: 'Nothing exists at this path',
    help: 'Check the path. `/docs` lists every operation.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The path does not support this method',
    help: 'Use one of the methods in the `Allow` header.',
  },
  'upload-timeout': {
    status: 408,
    title: 'The upload took too long',
    help: 'The upload was not complete within `DEADLINE_S` (a batch: `BATCH_DEADLINE_S`), or no byte arrived for `UPLOAD_IDLE_S`. Send fewer bytes: fewer frames, smaller frames, or JPEG. Then retry.',
  },
  'frames-missing': {
    status: 409,
    title: 'The service does not have some frames of a growing episode',
    help: 'Send the request again with the frames whose digests are in `missing`.',
  },
  'precondition-failed': {
    status: 412,
    title: 'The file does not match the precondition',
    help: 'A file of the playground or of `/docs` does not match `If-Match` or `If-Unmodified-Since`. Send the request without them.',
  },
  'upload-too-large': {
    status: 413,
    title: 'The upload is too large',
    help: 'A frame, a part or the request has more than `limit` bytes, or a batch has more than `limit` episodes. Send less at once, or ask the operator for a higher limit.',
  },
  'too-many-frames': {
    status: 413,
    title: 'The episode has too many frames',
    help: 'Send at most `limit` frames. The model receives two frames per second, so a lower frame rate loses little.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The type of the request body is not supported',
    help: 'Send `multipart/form-data` or `application/json`, without `Content-Encoding`. Calibrations accept `application/json` only.',
  },
  'range-not-satisfiable': {
    status: 416,
    title: 'The file does not have this range',
    help: 'A file of the playground or of `/docs` is shorter than the `Range`. Request the complete file.',
  },
  'expectation-failed': {
    status: 417,
    title: 'The Expect header is not supported',
    help: 'Leave the `Expect` header out, or send `Expect: 100-continue`.',
  },
  'forbidden-host': {
    status: 421,
    title: 'The service does not accept this host name',
    help: 'Use an IP address or `localhost` in the URL. The operator can add the host name to `ALLOWED_HOSTS`.',
  },
  'missing-episode': {
    status: 422,
    title: 'The episode is missing',
    help: 'Add the part `episode` to the form, or the member `episode` to the JSON body.',
  },
  'invalid-request': {
    status: 422,
    title: 'The request does not match its schema',
    help: 'Each entry of `errors` has a pointer and says what is wrong there. In a form, `part` names the part. Unknown options are refused, not ignored.',
  },
  'missing-instruction': {
    status: 422,
    title: 'The instruction is missing or empty',
    help: 'Say in `instruction` what the robot was told to do.',
  },
  'special-token-text': {
    status: 422,
    title: 'The request has text that the model reads as a control token',
    help: 'Remove it from the text at `pointer`: the instruction, or a text of `answers`. Examples are `<|im_end|>` and `<tts_pad>`.',
  },
  'instruction-too-long': {
    status: 422,
    title: 'The instruction is too long',
    help: 'The prompt text around the instruction counts too. Send an instruction with fewer tokens; `limit` is the maximum.',
  },
  'missing-clock': {
    status: 422,
    title: 'Neither fps nor timestamps_s is given',
    help: 'Send `fps`, the rate of the frames that you send, or `timestamps_s`. There is no default, because a wrong fps changes the reward without an error.',
  },
  'ambiguous-clock': {
    status: 422,
    title: 'More than one clock is given',
    help: 'Send `fps` or `timestamps_s`, not both. Send neither with a video: a video has its own times.',
  },
  'invalid-timestamps': {
    status: 422,
    title: 'The timestamps do not match the frames',
    help: 'Send one time per frame, in seconds, each later than the one before.',
  },
  'invalid-prefixes': {
    status: 422,
    title: 'The requested prefixes do not match the episode',
    help: 'Send one of `count`, `every`, `lengths` and `last`. Values in `lengths` must increase and must not be larger than the number of frames.',
  },
  'missing-bounds': {
    status: 422,
    title: 'This option requires progress bounds',
    help: 'The option at `pointer` needs progress on a fixed scale. Send `progress.bounds`, or a `calibration` that has bounds.',
  },
  'invalid-answers': {
    status: 422,
    title: 'The answers cannot be read',
    help: 'No text of `answers` may begin with another one, and the model must accept the tokens of a text after the prompt. A leading space belongs to the text. `limit` is the most tokens in one query, the most further queries, or the most `top_answers`.',
  },
  'calibration-mismatch': {
    status: 422,
    title: 'The calibration belongs to another model, profile, prompt, pipeline or choice of answers',
    help: 'Make a calibration with the model and the profile of the service, and with the prompt, the `pipeline` and the `answers` that you use.',
  },
  'no-frames': {
    status: 422,
    title: 'There are no frames',
    help: 'Send at least one frame. For a video: no frame lies between `from_s` and `to_s`, and `detail` says where the video starts and ends.',
  },
  'unlisted-frame': {
    status: 422,
    title: 'A frame is not in frame_digests',
    help: 'The SHA-256 of this frame is not in `frame_digests`. Compute the digest from the bytes that you send: those of the file or, in a .npy file, those of one frame’s pixels.',
  },
  'ambiguous-frames': {
    status: 422,
    title: 'Frames are given in more than one way',
    help: 'Send one of `frames`, `npy` and `video`.',
  },
  'not-an-image': {
    status: 422,
    title: 'A frame is not a JPEG, PNG or WebP file',
    help: 'Send JPEG, PNG or WebP files. The service checks the bytes, not the file name.',
  },
  'image-damaged': {
    status: 422,
    title: 'A frame is truncated or damaged',
    help: 'Send this frame again.',
  },
  'image-unsupported': {
    status: 422,
    title: 'A frame has an unsupported format',
    help: 'Convert the frame to 8-bit RGB. Animated files, CMYK and 16-bit images have no single correct conversion, so the service refuses them.',
  },
  'image-too-large': {
    status: 422,
    title: 'A frame has too many pixels or bytes',
    help: 'Resize the frames before you send them. `detail` says which limit applies: the pixels, one side, the intermediate image of the resampling, or the memory of all sampled frames.',
  },
  'frame-sizes-differ': {
    status: 422,
    title: 'The frames do not all have the same size',
    help: 'Resize the frames of an episode to one size.',
  },
  'invalid-npy': {
    status: 422,
    title: 'The .npy file is not a uint8 array of shape (frames, height, width, 3)',
    help: 'Save `numpy.ascontiguousarray(frames, dtype=numpy.uint8)` with the shape (frames, height, width, 3) and values from 0 to 255.',
  },
  'invalid-range': {
    status: 422,
    title: 'The time range does not fit the video',
    help: '`to_s` must be later than `from_s`. Both belong to a `video` only.',
  },
  'not-a-video': {
    status: 422,
    title: 'The file is not an MP4, WebM or MKV video',
    help: 'Send an MP4, WebM or MKV file. The service checks the bytes, not the file name.',
  },
  'video-unsupported': {
    status: 422,
    title: 'The video has an unsupported format',
    help: 'The container, the codec, more than 8 bits per channel or a high dynamic range is not supported. Convert the video, or send the frames.',
  },
  'video-damaged': {
    status: 422,
    title: 'The video is truncated or damaged',
    help: 'A frame cannot be decoded at the time that the file gives. `frame` names it if it is known. Send the file again, or send the frames.',
  },
  'video-too-large': {
    status: 422,
    title: 'The video is too large',
    help: 'The file has more than `limit` tracks or samples, or it takes more than `limit` bytes of memory to read. Send a shorter or smaller video, or send the frames.',
  },
  'method-unsupported': {
    status: 422,
    title: 'The model does not support this method',
    help: '`detail` says why, and what the operator can change. `GET /v1/model` lists in `methods` those that the model supports.',
  },
  'frame-size-unsupported': {
    status: 422,
    title: 'The model does not accept this frame size',
    help: '`GET /v1/model` has the values that the model accepts, as `frame_sizes`. Without `frame_size`, the service resizes every frame to `reference_frame`.',
  },
  'pipeline-unsupported': {
    status: 422,
    title: 'The model does not support this pipeline',
    help: 'The published pipeline is defined for Qwen3-VL only; `pipelines` of `GET /v1/model` lists what this service can use. Remove `pipeline`.',
  },
  'context-exceeded': {
    status: 422,
    title: 'The episode is longer than the model’s context',
    help: 'The longest prefix does not fit; about `limit` sampled frames do. With `gvl`, about `limit` images do. Send a shorter episode or show fewer frames, or ask the operator for a longer context.',
  },
  'too-many-wrong-keys': {
    status: 429,
    title: 'Too many wrong API keys',
    help: 'More than 20 wrong keys arrived from this address within one minute. Correct the key, and wait as long as `Retry-After` says. Correct keys are always accepted.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    help: 'Send less than 16 KiB of headers.',
  },
  'internal-error': {
    status: 500,
    title: 'The service has failed',
    help: 'This is a fault of the service. Send the `instance` to the operator, who finds it in the log.',
  },
  'video-unavailable': {
    status: 501,
    title: 'This server cannot read videos',
    help: 'The server has no ffmpeg 5.1 or newer. Send the frames.',
  },
  'engine-failed': {
    status: 502,
    title: 'The engine failed',
    help: 'Scoring this episode failed in the engine; a remote engine was asked twice. Retry later. If it fails again, send the `instance` to the operator.',
  },
  'engine-answer-unusable': {
    status: 502,
    title: 'The engine’s response cannot be used',
    help: 'The service does not invent a number. Send the `instance` to the operator: the log says what is wrong with the response, and often the engine is not set up as the service needs it.',
  },
  'server-busy': {
    status: 503,
    title: 'The service is busy',
    help: 'Too many requests are waiting. Retry after `Retry-After` seconds.',
  },
  'storage-unavailable': {
    status: 503,
    title: 'The video cannot be stored',
    help: 'The disk of the service is full, or its temporary folder cannot be used. Retry after `Retry-After` seconds, or send the frames: they need no disk.',
  },
  'engine-unavailable': {
    status: 503,
    title: 'The engine is unreachable or not ready',
    help: 'The engine is down, starting, or not suitable. `GET /health/ready` says why. Retry after `Retry-After` seconds.',
  },
  'engine-busy': {
    status: 503,
    title: 'The engine is busy',
    help: 'The engine refused more work five times. Retry after `Retry-After` seconds.',
  },
  'deadline-exceeded': {
    status: 504,
    title: 'The request took too long',
    help: 'The request was not complete within `DEADLINE_S` (a batch: `BATCH_DEADLINE_S`), and the work was cancelled. Send a shorter episode or fewer prefixes, or ask the operator for a longer deadline.',
  },
  'video-timeout': {
    status: 504,
    title: 'Reading the video took too long',
    help: 'One run of ffprobe or ffmpeg took more than `limit` seconds. Send a shorter time range or smaller frames.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** All codes, in the order of their statuses. */
export const PROBLEM_CODES = Object.keys(PROBLEMS).filter(isProblemCode);

function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}

/** The path of the page about a kind of problem, which is also its `type` (a relative reference, RFC 9457, section 3.1.1). */
export function problemType(code: ProblemCode): string {
  return `/problems/${code}`;
}
