import { readFile } from 'node:fs/promises';
import type { InjectOptions } from 'fastify';
import sharp from 'sharp';
import { multipart, type Part } from '../support/forms.ts';
import { npyFile, pngFile } from '../support/images.ts';
import { recorded } from '../support/recorded.ts';

/** Requests by what they are about, in the order in which they are sent. */
export type Requests = Record<string, InjectOptions>;

const success = await recorded('drawer-open-v3-success');
const failure = await recorded('drawer-open-v3-failure');

/** 24 frames of 480×480 pixels of a success, at 4 fps: JPEG files. */
export const JPEGS = success.files;

/** Frames in which the drawer opens, with every fourth pixel of every fourth row: PNG files. They are fast to decode. */
export const EIGHT = await Promise.all(JPEGS.slice(9, 17).map(thinned));
/** Two frames of a failure. */
const OTHERS = await Promise.all(failure.files.slice(-2).map(thinned));

async function thinned(file: Buffer): Promise<Buffer> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const [width, height] = [info.width / 4, info.height / 4];
  const samples = Buffer.alloc(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    data.copy(samples, pixel * 3, (4 * y * info.width + 4 * x) * 3, (4 * y * info.width + 4 * x + 1) * 3);
  }
  return pngFile({ width, height, samples });
}

export const TWO = EIGHT.slice(0, 2);

const { instruction } = success;
export const EPISODE = { instruction, fps: 4 };

/** With these, all eight frames are sampled. */
export const SHORT = { instruction, fps: 2 };

/** 20 frames of 64×48 pixels at 10 fps, coded without loss. */
export const VIDEO = await readFile(new URL('episode.mp4', import.meta.url));

const [WIDTH, HEIGHT] = [64, 48];

/** Eight frames in which a bright square moves over a gradient. */
export const NPY = npyFile(
  Buffer.from(
    Array.from({ length: 8 * HEIGHT * WIDTH }, (_, i) => {
      const [x, y, frame] = [i % WIDTH, Math.floor(i / WIDTH) % HEIGHT, Math.floor(i / WIDTH / HEIGHT)];
      const inside = x >= 6 * frame && x < 6 * frame + 14 && y >= 12 && y < 30;
      return inside ? [230, 210, 40] : [30 + 2 * x, 50 + 3 * y, 110];
    }).flat(),
  ),
  { shape: [8, HEIGHT, WIDTH, 3] },
);

export const LINES = { accept: 'application/x-ndjson' };

const base64 = (file: Buffer) => file.toString('base64');

export const filePart = (name: string, content: Buffer): Part => ({ name, content, filename: name });
export const jsonPart = (name: string, document: unknown): Part => ({ name, content: JSON.stringify(document) });
export const frameParts = (files: Buffer[]): Part[] => files.map((file) => filePart('frames', file));

export function postForm(parts: Part[], headers: Record<string, string> = {}, url = '/v1/rewards'): InjectOptions {
  const form = multipart(parts);
  return { method: 'POST', url, headers: { ...form.headers, ...headers }, payload: form.payload };
}

export function postJson(document: unknown, headers: Record<string, string> = {}, url = '/v1/rewards'): InjectOptions {
  const payload = typeof document === 'string' ? document : JSON.stringify(document);
  return { method: 'POST', url, headers: { 'content-type': 'application/json', ...headers }, payload };
}

/** Posts an episode with its frames as a form. */
export const postFrames = (episode: object, files: Buffer[] = EIGHT, headers: Record<string, string> = {}) =>
  postForm([jsonPart('episode', episode), ...frameParts(files)], headers);

export const FORM: Requests = {
  'an episode of 24 frames': postFrames(EPISODE, JPEGS),
  'the episode after its frames': postForm([...frameParts(EIGHT), jsonPart('episode', SHORT)]),
  'one frame': postFrames(SHORT, EIGHT.slice(0, 1)),
  'an unknown option': postFrames({ ...SHORT, prefix: { count: 3 } }),
};

export const JSON_BODY: Requests = {
  'eight frames': postJson({ episode: SHORT, frames: EIGHT.map(base64) }),
  'an .npy file': postJson({ episode: SHORT, npy: base64(NPY) }),
  'no episode': postJson({ frames: EIGHT.map(base64) }),
};

export const NPY_FILE: Requests = {
  'eight frames': postForm([jsonPart('episode', { ...SHORT, prefixes: { every: 2 } }), filePart('npy', NPY)]),
  'a cut file': postForm([jsonPart('episode', SHORT), filePart('npy', NPY.subarray(0, -1))]),
};

const { fps: _, ...clockless } = SHORT;

export const VIDEO_FILE: Requests = {
  'a complete video': postForm([jsonPart('episode', clockless), filePart('video', VIDEO)]),
  'a range of a video, in JSON': postJson({
    episode: { ...clockless, id: 'range', from_s: 0.5, to_s: 1.5, prefixes: { last: 2 } },
    video: base64(VIDEO),
  }),
  'two ranges in a batch': postForm(
    [
      jsonPart('batch', {
        items: [
          { episode: { ...clockless, to_s: 1, prefixes: { last: 1 } }, video: 0 },
          { episode: { ...clockless, from_s: 5, to_s: 6 }, video: 0 },
        ],
      }),
      filePart('video', VIDEO),
    ],
    {},
    '/v1/rewards/batch',
  ),
};

export const IN_LINES: Requests = {
  'a form': postFrames({ ...SHORT, id: 'lines', prefixes: { every: 2 } }, EIGHT, LINES),
  JSON: postJson({ episode: { ...SHORT, progress: { scale: 'none' } }, frames: EIGHT.map(base64) }, LINES),
  'an episode without frames': postFrames(SHORT, [], LINES),
};

export const get = (url: string, headers: Record<string, string> = {}): InjectOptions => ({
  method: 'GET',
  url,
  headers,
});

/** What the service says about itself and its model. */
export const DESCRIPTIONS: Requests = {
  model: get('/v1/model'),
  liveness: get('/health/live'),
  readiness: get('/health/ready'),
};

const COMPLETE = { episode: { ...SHORT, id: 'first', prefixes: { count: 2 } }, frames: EIGHT.map(base64) };

export const BATCH: Requests = {
  'a form': postForm(
    [
      jsonPart('batch', {
        items: [
          { episode: { ...SHORT, id: 'first' }, frame_count: 8 },
          { episode: { instruction, id: 'without a clock' }, frame_count: 2 },
          { episode: { ...SHORT, prompt: 'chat', prefixes: { last: 1 } } },
        ],
      }),
      ...frameParts([...EIGHT, ...OTHERS]),
      filePart('npy', NPY),
    ],
    {},
    '/v1/rewards/batch',
  ),
  JSON: postJson(
    { items: [COMPLETE, { ...COMPLETE, frames: ['?'] }, { ...COMPLETE, episode: { ...SHORT, instruction: ' ' } }] },
    {},
    '/v1/rewards/batch',
  ),
  'no items': postJson({ items: [] }, {}, '/v1/rewards/batch'),
};
