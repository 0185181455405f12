import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import { type Answer, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, multipart, npyPart, type Part, postEpisode, postParts } from '../support/forms.ts';
import { episodePixels, frameFile, frameFiles, HEIGHT, npyFile, testPixels, WIDTH } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const PIXELS = WIDTH * HEIGHT;
const frame = await frameFile();

/** A body that makes the request fail if it is read. */
const unreadable = () =>
  new Readable({
    read() {
      this.destroy(new Error('The body was read.'));
    },
  });

t.test('MAX_FRAMES limits the number of frames', async (t) => {
  const app = await buildTestApp(t, { MAX_FRAMES: 4 });
  const frames = await frameFiles(10);
  resultOf(t, await postEpisode(app, EPISODE, frames.slice(0, 4)));
  const one = await postEpisode(app, EPISODE, frames.slice(0, 5));
  isProblem(t, one, 'too-many-frames', { part: 'frames', frame: 4, limit: 4 });
  isProblem(t, await postEpisode(app, EPISODE, frames), 'too-many-frames', { limit: 4 });
  const npy = (count: number) =>
    postParts(app, [
      episodePart(EPISODE),
      npyPart(npyFile(episodePixels(count), { shape: [count, HEIGHT, WIDTH, 3] })),
    ]);
  resultOf(t, await npy(4));
  isProblem(t, await npy(5), 'too-many-frames', { part: 'npy', limit: 4 });
  const payload = { episode: EPISODE, frames: frames.map((file) => file.toString('base64')) };
  const json = await app.inject({ method: 'POST', url: '/v1/rewards', payload });
  isProblem(t, json, 'too-many-frames', { pointer: '/frames/4', frame: 4, limit: 4 });
});

t.test('MAX_FRAMES limits the number of timestamps', async (t) => {
  const app = await buildTestApp(t, { MAX_FRAMES: 4 });
  const timestamps_s = Array.from({ length: 5_000 }, (_, i) => i);
  const answer = await postEpisode(app, { ...EPISODE, fps: undefined, timestamps_s });
  isProblem(t, answer, 'invalid-timestamps', { pointer: '/timestamps_s' });
});

t.test('MAX_FRAME_PIXELS limits the pixels of a frame', async (t) => {
  const tight = await buildTestApp(t, { MAX_FRAME_PIXELS: PIXELS - 1 });
  const limit = PIXELS - 1;
  isProblem(t, await postEpisode(tight, EPISODE), 'image-too-large', { part: 'frames', frame: 0, limit });
  const npy = npyPart(npyFile(episodePixels(2), { shape: [2, HEIGHT, WIDTH, 3] }));
  isProblem(t, await postParts(tight, [episodePart(EPISODE), npy]), 'image-too-large', { part: 'npy', limit });
  const enough = await buildTestApp(t, { MAX_FRAME_PIXELS: PIXELS });
  resultOf(t, await postEpisode(enough, EPISODE));
  resultOf(t, await postParts(enough, [episodePart(EPISODE), npy]));
});

t.test('MAX_FRAME_SIDE applies to every way of sending frames', async (t) => {
  const size = { width: 1, height: HEIGHT };
  const [file, pixels] = [await frameFile('png', size), testPixels(size)];
  const npy = npyFile(pixels, { shape: [1, HEIGHT, 1, 3] });
  const growing = { ...EPISODE, frame_digests: [createHash('sha256').update(file).digest('hex')] };
  const json = { episode: EPISODE, frames: [file.toString('base64')] };
  const inject = (app: FastifyInstance, url: string, payload: object) => app.inject({ method: 'POST', url, payload });
  const ways: [place: Partial<Problem>, post: (app: FastifyInstance) => Promise<Answer>][] = [
    [{ part: 'frames', frame: 0 }, (app) => postEpisode(app, EPISODE, [file])],
    [{ part: 'frames', frame: 0 }, (app) => postEpisode(app, growing, [file])],
    [{ part: 'npy' }, (app) => postParts(app, [episodePart(EPISODE), npyPart(npy)])],
    [{ pointer: '/frames/0', frame: 0 }, (app) => inject(app, '/v1/rewards', json)],
    [{ part: 'npy' }, (app) => inject(app, '/v1/rewards', { episode: EPISODE, npy: npy.toString('base64') })],
  ];
  const tight = await buildTestApp(t, { MAX_FRAME_SIDE: HEIGHT - 1 });
  const enough = await buildTestApp(t, { MAX_FRAME_SIDE: HEIGHT });
  for (const [place, post] of ways) {
    const { detail } = isProblem(t, await post(tight), 'image-too-large', { ...place, limit: HEIGHT - 1 });
    t.match(detail, /^A frame is 1×24 pixels; /);
    resultOf(t, await post(enough));
  }
  const items = [json, json];
  const first = async (app: FastifyInstance) =>
    JSON.parse((await inject(app, '/v1/rewards/batch', { items })).body.split('\n')[0] as string);
  t.match((await first(tight)).problem, {
    code: 'image-too-large',
    limit: HEIGHT - 1,
    pointer: /^\/items\/\d\/frames\/0$/,
  });
  t.ok((await first(enough)).result);
});

t.test('MAX_FRAME_PIXELS also limits the intermediate image of resizing', async (t) => {
  const engine = stubEngine();
  const limit = 244 * 244;
  const app = await buildTestApp(t, { MAX_FRAME_PIXELS: limit }, engine);
  const wide = await frameFile('png', { width: 245, height: 1 });
  resultOf(t, await postEpisode(app, EPISODE, [wide]));
  const high = await frameFile('png', { width: 1, height: 245 });
  const answer = await postEpisode(app, EPISODE, [high]);
  const { detail } = isProblem(t, answer, 'image-too-large', { part: 'frames', frame: 0, limit });
  t.match(
    detail,
    /from 1×245 to 244×244 needs an intermediate image of 244×245; .* Send frames with a smaller height\./,
  );
  resultOf(t, await postEpisode(app, { ...EPISODE, frame_size: 'native' }, [high]));
});

t.test('MAX_FRAME_BYTES limits the file size of a frame', async (t) => {
  const limit = frame.length;
  const app = await buildTestApp(t, { MAX_FRAME_BYTES: limit });
  const longer = Buffer.concat([frame, Buffer.from([0])]);
  const answer = await postEpisode(app, EPISODE, [frame, longer]);
  isProblem(t, answer, 'upload-too-large', { part: 'frames', frame: 1, limit });
  resultOf(t, await postEpisode(app, EPISODE, [frame, frame]));
  const payload = { episode: EPISODE, frames: [frame, longer].map((file) => file.toString('base64')) };
  const json = await app.inject({ method: 'POST', url: '/v1/rewards', payload });
  isProblem(t, json, 'upload-too-large', { pointer: '/frames/1', frame: 1, limit });
});

t.test('MAX_UPLOAD_BYTES and MAX_JSON_BYTES refuse a body by its Content-Length, without reading it', async (t) => {
  const app = await buildTestApp(t, { MAX_UPLOAD_BYTES: 10_000, MAX_JSON_BYTES: 14_000 });
  const form = multipart([episodePart(EPISODE), framePart(frame)]);
  for (const [type, limit] of [
    [form.headers['content-type'], 10_000],
    ['application/json', 14_000],
    ['Application/JSON; charset=utf-8', 14_000],
  ] as const) {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/rewards',
      headers: { 'content-type': type, 'content-length': '14001' },
      payload: unreadable(),
    });
    isProblem(t, answer, 'upload-too-large', { limit });
  }
});

t.test('MAX_UPLOAD_BYTES counts the bytes that arrive, with or without Content-Length', async (t) => {
  const limit = 10_000;
  const app = await buildTestApp(t, { MAX_UPLOAD_BYTES: limit });
  const filler = (bytes: number): Part => framePart(Buffer.concat([frame, Buffer.alloc(bytes - frame.length)]));
  const room = limit - JSON.stringify(EPISODE).length;
  const within = [episodePart(EPISODE), filler(3000), filler(room - 3000)];
  const beyond = [episodePart(EPISODE), filler(3000), filler(room - 2999)];
  const chunked = (parts: Part[]) => {
    const { headers, payload } = multipart(parts);
    return app.inject({ method: 'POST', url: '/v1/rewards', headers, payload: Readable.from([payload]) });
  };
  resultOf(t, await postParts(app, within));
  resultOf(t, await chunked(within));
  isProblem(t, await postParts(app, beyond), 'upload-too-large', { limit });
  isProblem(t, await chunked(beyond), 'upload-too-large', { limit });
  const pixels = npyFile(episodePixels(4), { shape: [4, HEIGHT, WIDTH, 3] });
  t.ok(pixels.length > limit);
  isProblem(t, await chunked([episodePart(EPISODE), npyPart(pixels)]), 'upload-too-large', { limit });
});

t.test('MAX_JSON_BYTES applies without Content-Length', async (t) => {
  const app = await buildTestApp(t, { MAX_JSON_BYTES: 14_000 });
  const text = JSON.stringify({ episode: EPISODE, frames: [Buffer.alloc(12_000).toString('base64')] });
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/rewards',
    headers: { 'content-type': 'application/json' },
    payload: Readable.from([Buffer.from(text)]),
  });
  isProblem(t, answer, 'upload-too-large');
});

t.test(
  'FRAME_MEMORY_BYTES refuses an episode that is too large, and queues one that does not fit next to another',
  async (t) => {
    const frames = await frameFiles(4);
    const bytes = 4 * PIXELS * 3;
    const native = { ...EPISODE, fps: 2, frame_size: 'native' };
    const tight = await buildTestApp(t, { FRAME_MEMORY_BYTES: bytes - 1 });
    const refused = await postEpisode(tight, native, frames);
    isProblem(t, refused, 'image-too-large', { pointer: '/frame_size', limit: bytes - 1 });
    const json = { episode: native, frames: frames.map((file) => file.toString('base64')) };
    const inJson = await tight.inject({ method: 'POST', url: '/v1/rewards', payload: json });
    isProblem(t, inJson, 'image-too-large', { pointer: '/episode/frame_size', limit: bytes - 1 });
    const inBatch = await tight.inject({ method: 'POST', url: '/v1/rewards/batch', payload: { items: [json] } });
    const [line] = inBatch.body.split('\n') as [string];
    t.match(JSON.parse(line).problem, { code: 'image-too-large', pointer: '/items/0/episode/frame_size' });

    const held = Promise.withResolvers<void>();
    const engine = stubEngine({ until: held.promise });
    const enough = await buildTestApp(t, { FRAME_MEMORY_BYTES: bytes }, engine);
    const called = engine.nextCall();
    const first = postEpisode(enough, native, frames);
    await called;
    const second = postEpisode(enough, native, frames);
    const shown = /^topreward_frame_bytes_held (\d+)$/m.exec((await enough.inject('/metrics')).body)?.[1];
    t.equal(Number(shown), bytes, 'the metric has the bytes that are held');
    t.equal(engine.calls.length, 1, 'the second waits');
    held.resolve();
    for (const answer of await Promise.all([first, second])) resultOf(t, answer);
    t.equal(engine.calls.length, 2);
  },
);

t.test('the first part beyond a limit is refused', async (t) => {
  const app = await buildTestApp(t, { MAX_FRAMES: 4 });
  const fields = Array.from({ length: 20 }, (_, i): Part => ({ name: `field${i}`, content: 'x' }));
  isProblem(t, await postParts(app, fields), 'unexpected-part', { part: 'field0' });
  const episodes = Array.from({ length: 20 }, () => episodePart(EPISODE));
  isProblem(t, await postParts(app, episodes), 'unexpected-part', { part: 'episode' });
  const many = Array.from({ length: 50 }, () => framePart(frame));
  isProblem(t, await postParts(app, many), 'too-many-frames', { part: 'frames', frame: 4, limit: 4 });
});

t.test('an episode part that is too large is refused', async (t) => {
  const app = await buildTestApp(t);
  // Enough for the options, and for a digest and a time of each of 10,000 frames.
  const limit = 64 * 1024 + 100 * 10_000;
  const padded = `${JSON.stringify(EPISODE)}${' '.repeat(limit)}`;
  for (const how of [{}, { type: 'application/json' }, { filename: 'episode.json', type: 'application/json' }]) {
    const part = { name: 'episode', content: padded, ...how };
    isProblem(t, await postParts(app, [part, framePart(frame)]), 'upload-too-large', { part: 'episode', limit });
  }
});

t.test('a refused request does not reach the engine and frees its capacity', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { MAX_ACTIVE: 1, MAX_WAITING: 1, MAX_FRAMES: 2 }, engine);
  for (let i = 0; i < 4; i += 1) await postEpisode(app, EPISODE, [frame, frame, frame]);
  t.equal(engine.calls.length, 0);
  resultOf(t, await postEpisode(app, EPISODE, [frame]));
});
