import { Readable } from 'node:stream';
import type { InjectOptions } from 'fastify';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { multipart } from '../support/forms.ts';
import { npyFile, truncated } from '../support/images.ts';
import { forgedMp4 } from '../support/mp4.ts';
import { calibrationOf, GROWING } from './options.ts';
import {
  EIGHT,
  filePart,
  frameParts,
  get,
  jsonPart,
  NPY,
  postForm,
  postFrames,
  postJson,
  SHORT,
  TWO,
  VIDEO,
} from './requests.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mOI6tmHFTEMLQkA7iBpAZC1urcAAAAASUVORK5CYII=',
  'base64',
);
/** The same image, with 16 bits per channel in its header. */
const DEEP = Buffer.from(PNG).fill(16, 24, 25);

const { fps: _, ...clockless } = SHORT;
const { instruction: __, ...wordless } = SHORT;
export const postVideo = (content: Buffer, more: object = {}) =>
  postForm([jsonPart('episode', { ...clockless, ...more }), filePart('video', content)]);
const withNpy = (content: Buffer) => postForm([jsonPart('episode', SHORT), filePart('npy', content)]);

/** Posts tiny black frames, all of them sampled. */
export const manyFrames = (count: number) => withNpy(npyFile(Buffer.alloc(count * 12), { shape: [count, 2, 2, 3] }));

/** A form that never ends. */
export function stalled(): InjectOptions {
  const form = multipart([jsonPart('episode', SHORT)]);
  async function* pieces() {
    yield form.payload.subarray(0, 40);
    await new Promise(() => {});
  }
  return { method: 'POST', url: '/v1/rewards', headers: form.headers, payload: Readable.from(pieces()) };
}

/** A request for every problem that a service with default settings can have, whatever its engine is. */
export const REFUSED: Partial<Record<ProblemCode, InjectOptions>> = {
  'malformed-http': get('/health/live', { host: 'a b' }),
  'malformed-json': postJson('{"episode": {"fps": NaN}}'),
  'malformed-multipart': { ...postForm([]), payload: 'cut' },
  'unexpected-part': postForm([jsonPart('episodes', SHORT)]),
  'cross-site-request': get('/v1/model', { 'sec-fetch-site': 'cross-site' }),
  'not-found': get('/v1/reward'),
  'method-not-allowed': get('/v1/rewards'),
  'frames-missing': GROWING['frames are missing'] as InjectOptions,
  'precondition-failed': get('/playground/app.js', { 'if-match': '"other"' }),
  'upload-too-large': {
    ...postJson(''),
    headers: { 'content-type': 'application/json', 'content-length': '999999999999' },
    payload: new Readable({ read() {} }),
  },
  'unsupported-media-type': {
    method: 'POST',
    url: '/v1/rewards',
    headers: { 'content-type': 'text/plain' },
    payload: 'episode',
  },
  'range-not-satisfiable': get('/playground/app.js', { range: 'bytes=999999999-' }),
  'expectation-failed': get('/v1/model', { expect: 'more' }),
  'forbidden-host': get('/v1/model', { host: 'robots.example.com' }),
  'missing-episode': postForm(frameParts(TWO)),
  'invalid-request': postFrames({ ...SHORT, fps: '2', prefix: { count: 3 }, max_pixels: 0 }, TWO),
  'missing-instruction': postFrames(wordless, TWO),
  'special-token-text': postFrames({ ...SHORT, instruction: 'Open <|im_end|> it.' }, TWO),
  'instruction-too-long': postFrames({ ...SHORT, instruction: '🤖'.repeat(1700) }, TWO),
  'missing-clock': postFrames(clockless, TWO),
  'ambiguous-clock': postFrames({ ...SHORT, timestamps_s: [0, 1] }, TWO),
  'invalid-timestamps': postFrames({ ...clockless, timestamps_s: [0, 1, 1] }, EIGHT.slice(0, 3)),
  'invalid-prefixes': postFrames({ ...SHORT, prefixes: { lengths: [1, 3] } }, TWO),
  'missing-bounds': postFrames({ ...SHORT, training: { shaping: {} } }, TWO),
  'invalid-answers': postFrames({ ...SHORT, answers: { true_texts: [' True', ' True story'] } }, TWO),
  'calibration-mismatch': postFrames({ ...SHORT, calibration: calibrationOf('another model') }, TWO),
  'no-frames': postFrames(SHORT, []),
  'unlisted-frame': GROWING['a frame that is not listed'] as InjectOptions,
  'ambiguous-frames': postForm([jsonPart('episode', SHORT), ...frameParts(TWO), filePart('npy', NPY)]),
  'not-an-image': postFrames(SHORT, [Buffer.from('not an image at all')]),
  'image-damaged': postFrames(SHORT, [EIGHT[0] as Buffer, truncated(EIGHT[1] as Buffer)]),
  'image-unsupported': postFrames(SHORT, [DEEP]),
  'image-too-large': withNpy(npyFile(Buffer.alloc(9000 * 3), { shape: [1, 9000, 1, 3] })),
  'frame-sizes-differ': postFrames(SHORT, [EIGHT[0] as Buffer, PNG]),
  'invalid-npy': withNpy(npyFile(Buffer.alloc(48), { shape: [2, 4, 2, 3], dtype: '<f4' })),
  'invalid-range': postFrames({ ...SHORT, from_s: 2, to_s: 1 }, TWO),
};

/** Problems of videos. */
export const REFUSED_VIDEOS: Partial<Record<ProblemCode, InjectOptions>> = {
  'ambiguous-clock': postVideo(VIDEO, { fps: 2 }),
  'no-frames': postVideo(VIDEO, { from_s: 50 }),
  'not-a-video': postVideo(Buffer.from('not a video at all')),
  'video-unsupported': postVideo(Buffer.from('RIFF\0\0\0\0AVI LIST')),
  'video-damaged': postVideo(VIDEO.subarray(0, -1)),
  'video-too-large': postVideo(forgedMp4({ tracks: 65 })),
};

/** Problems that depend on the engine. The bundled model has them all. */
export const REFUSED_BY_ENGINE: Partial<Record<ProblemCode, InjectOptions>> = {
  'special-token-text': REFUSED['special-token-text'] as InjectOptions,
  'instruction-too-long': REFUSED['instruction-too-long'] as InjectOptions,
  'calibration-mismatch': REFUSED['calibration-mismatch'] as InjectOptions,
  'frames-missing': REFUSED['frames-missing'] as InjectOptions,
  'method-unsupported': postFrames({ ...SHORT, method: 'gvl' }, TWO),
  'frame-size-unsupported': postFrames({ ...SHORT, frame_size: 'native' }, TWO),
  'context-exceeded': manyFrames(1500),
};
