import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import t, { type Test } from 'tap';
import type { BatchEvent } from '../../schemas/batch.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { type Answer, comparable, isProblem, ofTopreward, resultOf } from '../support/answers.ts';
import { aborted, buildTestApp, listen, whenLoad } from '../support/app.ts';
import { framePart, multipart, npyPart, type Part, postEpisode, postParts } from '../support/forms.ts';
import { episodePixels, frameFile, frameFiles, HEIGHT, npyFile, truncated, WIDTH } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';
import { LOSSLESS, makeVideo } from '../support/videos.ts';

const needs = needing('ffmpeg');

const files = await frameFiles(6);
const npy = (count: number, options = {}) =>
  npyFile(episodePixels(count), { shape: [count, HEIGHT, WIDTH, 3], ...options });
const batchPart = (items: unknown): Part => ({ name: 'batch', content: JSON.stringify({ items }) });
const item = (frame_count: number | undefined, more: object = {}) => ({
  episode: { ...EPISODE, ...more },
  frame_count,
});

function postBatch(app: FastifyInstance, parts: Part[], headers: Record<string, string> = {}): Promise<Answer> {
  const form = multipart(parts);
  return app.inject({
    method: 'POST',
    url: '/v1/rewards/batch',
    payload: form.payload,
    headers: { ...form.headers, ...headers },
  });
}

const postJson = (app: FastifyInstance, payload: object): Promise<Answer> =>
  app.inject({ method: 'POST', url: '/v1/rewards/batch', payload });

/** The lines of a successful response, sorted by index, and its last line, `end`. */
function linesOf(t: Test, { statusCode, headers, body }: Answer) {
  t.equal(statusCode, 200, body.slice(0, 200));
  t.equal(headers['content-type'], 'application/x-ndjson');
  const events = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BatchEvent);
  const end = events.pop();
  t.equal(end?.event, 'end');
  const told = events.flatMap((event) => (event.event === 'end' ? [] : [event]));
  return { end, told: told.sort((a, b) => a.index - b.index) };
}

/** For each line: `result`, or the code of its problem. */
const outcomes = (told: ReturnType<typeof linesOf>['told']) =>
  told.map((event) => (event.event === 'problem' ? event.problem.code : event.event));

t.test('each episode has the result that it has on its own, for frames and for npy', async (t) => {
  const app = await buildTestApp(t);
  const items = [item(3, { id: 'first' }), item(undefined), item(2, { prompt: 'chat' }), item(1, { id: 'last' })];
  const parts = [...files.slice(0, 6).map(framePart), npyPart(npy(4))];
  const { told, end } = linesOf(t, await postBatch(app, [batchPart(items), ...parts]));
  t.strictSame(end, { event: 'end', scored: 4, failed: 0, gvl: null });
  const alone = [
    await postEpisode(app, items[0]?.episode, files.slice(0, 3)),
    await postEpisode(app, items[1]?.episode, files.slice(0, 4)),
    await postEpisode(app, items[2]?.episode, files.slice(3, 5)),
    await postEpisode(app, items[3]?.episode, files.slice(5)),
  ];
  for (const [index, event] of told.entries()) {
    if (event.event !== 'result') throw new Error(JSON.stringify(event));
    t.strictSame(
      comparable(ofTopreward(event.result)),
      comparable(resultOf(t, alone[index] as Answer)),
      `episode ${index}`,
    );
  }
  t.strictSame(
    told.map(({ id }) => id),
    ['first', undefined, undefined, 'last'],
  );
});

t.test('a batch as JSON reports results and problems by index', async (t) => {
  const app = await buildTestApp(t);
  const frames = files.slice(0, 2).map((file) => file.toString('base64'));
  const items = [
    { episode: EPISODE, frames },
    { episode: { ...EPISODE, id: 'second' }, npy: npy(3).toString('base64') },
    { episode: EPISODE, frames: ['?'] },
    { episode: { ...EPISODE, fps: 0 }, frames },
    'not an item',
  ];
  const { told, end } = linesOf(t, await postJson(app, { items }));
  t.strictSame(outcomes(told), ['result', 'result', 'invalid-request', 'invalid-request', 'missing-episode']);
  t.strictSame(end, { event: 'end', scored: 2, failed: 3, gvl: null });
  t.match(told[1], { id: 'second' });
  t.match(told[2], { problem: { pointer: '/items/2/frames/0' } });
  t.match(told[3], { problem: { pointer: '/items/3/episode/fps' } });
  t.match(told[4], { problem: { pointer: '/items/4/episode' } });
});

t.test('a problem with one episode does not change the results of the others', async (t) => {
  const good = [framePart(files[0] as Buffer), framePart(files[1] as Buffer)];
  const bad: [what: string, first: object, parts: Part[], code: ProblemCode, place: object][] = [
    [
      'an unknown option',
      item(1, { fsp: 3 }),
      [good[0] as Part],
      'invalid-request',
      { pointer: '/items/0/episode/fsp' },
    ],
    ['no instruction', item(1, { instruction: ' ' }), [good[0] as Part], 'missing-instruction', {}],
    [
      'a part that is not an image',
      item(1),
      [framePart(Buffer.from('none'))],
      'not-an-image',
      { part: 'frames', frame: 0 },
    ],
    [
      'a truncated image',
      item(2),
      [framePart(files[2] as Buffer), framePart(truncated(files[3] as Buffer))],
      'image-damaged',
      { frame: 1 },
    ],
    ['a frame that is too large', item(1), [framePart(Buffer.alloc(5000, 1))], 'upload-too-large', { limit: 4000 }],
    [
      'frames of two sizes',
      item(2),
      [framePart(files[2] as Buffer), framePart(await frameFile('png', { width: 16, height: 16 }))],
      'frame-sizes-differ',
      { frame: 1 },
    ],
    ['a .npy of the wrong type', item(undefined), [npyPart(npy(2, { dtype: '<f4' }))], 'invalid-npy', { part: 'npy' }],
    ['a truncated .npy', item(undefined), [npyPart(npy(2, { cut: 9 }))], 'invalid-npy', {}],
    ['no frames', item(0), [], 'no-frames', {}],
    [
      'a prefix longer than the episode',
      item(1, { prefixes: { lengths: [9] } }),
      [good[0] as Part],
      'invalid-prefixes',
      {},
    ],
    ['digests of unknown frames', item(0, { frame_digests: ['a'.repeat(64)] }), [], 'frames-missing', {}],
  ];
  for (const [what, first, parts, code, place] of bad) {
    const app = await buildTestApp(t, { MAX_FRAME_BYTES: 4000 });
    const answer = await postBatch(app, [
      batchPart([first, item(2), item(undefined)]),
      ...parts,
      ...good,
      npyPart(npy(2)),
    ]);
    const { told, end } = linesOf(t, answer);
    t.strictSame(outcomes(told), [code, 'result', 'result'], what);
    t.match(told[0], { problem: place }, what);
    t.strictSame(end, { event: 'end', scored: 2, failed: 1, gvl: null });
    t.notMatch(JSON.stringify(told[0]), /zebra/, 'no word of the instruction is repeated');
  }
});

t.test('if frames are missing, only the episodes that they belong to get a problem', async (t) => {
  const app = await buildTestApp(t);
  const parts = [batchPart([item(2), item(2), item(1), item(undefined)]), ...files.slice(0, 3).map(framePart)];
  const { told } = linesOf(t, await postBatch(app, parts));
  t.strictSame(outcomes(told), ['result', 'no-frames', 'no-frames', 'no-frames']);
  t.match(told[1], { problem: { frame: 1 } });
});

t.test('the complete batch is refused if its frames cannot be assigned to episodes', async (t) => {
  const app = await buildTestApp(t, { MAX_BATCH_EPISODES: 2 });
  const one = framePart(files[0] as Buffer);
  isProblem(t, await postBatch(app, [one, batchPart([item(1)])]), 'missing-episode', { part: 'batch' });
  isProblem(t, await postBatch(app, []), 'missing-episode', { part: 'batch' });
  isProblem(t, await postBatch(app, [batchPart([item(1)]), one, one]), 'invalid-request', { part: 'frames' });
  isProblem(t, await postBatch(app, [batchPart([item(1)]), one, npyPart(npy(1))]), 'invalid-request', { part: 'npy' });
  const twice = [batchPart([item(1)]), batchPart([item(1)])];
  isProblem(t, await postBatch(app, twice), 'unexpected-part', { part: 'batch' });
  isProblem(t, await postBatch(app, [{ name: 'episode', content: '{}' }]), 'unexpected-part', { part: 'episode' });
  isProblem(t, await postBatch(app, [{ name: 'batch', content: '[' }]), 'malformed-json', { part: 'batch' });
  isProblem(t, await postBatch(app, [batchPart([])]), 'invalid-request', { pointer: '/items' });
  isProblem(t, await postBatch(app, [batchPart([{ ...item(1), frame_count: -1 }])]), 'invalid-request', {
    pointer: '/items/0/frame_count',
  });
  const three = [item(1), item(1), item(1)];
  isProblem(t, await postBatch(app, [batchPart(three)]), 'upload-too-large', { limit: 2 });
  isProblem(t, await postJson(app, { items: three }), 'upload-too-large', { pointer: '/items', limit: 2 });
  isProblem(t, await postJson(app, { items: [] }), 'invalid-request', { pointer: '/items' });
  isProblem(t, await postJson(app, {}), 'invalid-request', { pointer: '/items' });
});

t.test('a batch is limited in frames and bytes', async (t) => {
  const frames = files.slice(0, 3).map(framePart);
  const app = await buildTestApp(t, { MAX_BATCH_FRAMES: 1, MAX_BATCH_EPISODES: 1 });
  isProblem(t, await postBatch(app, [batchPart([item(9)]), ...frames]), 'too-many-frames', {
    pointer: '/items',
    limit: 1,
  });
  const wide = await buildTestApp(t, { MAX_BATCH_FRAMES: 2 });
  const [two, three] = [item(2), item(3)].map((each) => [batchPart([each]), ...frames.slice(0, each.frame_count)]);
  t.equal(linesOf(t, await postBatch(wide, two as Part[])).told.length, 1);
  isProblem(t, await postBatch(wide, three as Part[]), 'too-many-frames', { pointer: '/items', limit: 2 });
  const texts = files.slice(0, 3).map((file) => file.toString('base64'));
  const json = (count: number) => postJson(wide, { items: [{ episode: EPISODE, frames: texts.slice(0, count) }] });
  t.equal(linesOf(t, await json(2)).told.length, 1);
  isProblem(t, await json(3), 'too-many-frames', { pointer: '/items', limit: 2 });
  const small = await buildTestApp(t, { MAX_UPLOAD_BYTES: (files[0]?.length as number) + 500 });
  isProblem(t, await postBatch(small, [batchPart([item(2)]), ...frames]), 'upload-too-large');
  const pixels = [batchPart([item(undefined), item(1)]), npyPart(npy(6)), ...frames.slice(0, 1)];
  isProblem(t, await postBatch(small, pixels), 'upload-too-large');
});

t.test('a batch as JSON refuses an unknown member beside the list', async (t) => {
  const app = await buildTestApp(t);
  const request = { episode: EPISODE, frames: [files[0]?.toString('base64')] };
  const answer = await postJson(app, { items: [request], item: [] });
  const { detail } = isProblem(t, answer, 'invalid-request', { pointer: '/item' });
  t.match(detail, 'did you mean `items`?');
});

t.test('each line is sent when its episode is scored, not in the order of the batch', async (t) => {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  const engine = stubEngine();
  const score = engine.score;
  let first = true;
  engine.score = async function* (request) {
    const isFirst = first;
    first = false;
    if (isFirst) await until;
    yield* score(request);
    if (!isFirst) release();
  };
  const app = await buildTestApp(t, {}, engine);
  const form = [batchPart([item(1), item(1)]), ...files.slice(0, 2).map(framePart)];
  const { body } = await postBatch(app, form);
  const order = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).index);
  t.strictSame(order, [1, 0, undefined]);
});

t.test('at most 16 episodes of a batch are scored at once', async (t) => {
  const engine = stubEngine();
  const score = engine.score;
  const full = Promise.withResolvers<void>();
  let [active, most] = [0, 0];
  engine.score = async function* (request) {
    active += 1;
    most = Math.max(most, active);
    if (active === 16) full.resolve();
    await full.promise;
    yield* score(request);
    active -= 1;
  };
  const app = await buildTestApp(t, {}, engine);
  const items = Array.from({ length: 40 }, () => item(1));
  const frames = items.map(() => framePart(files[0] as Buffer));
  const { told } = linesOf(t, await postBatch(app, [batchPart(items), ...frames]));
  t.equal(told.length, 40);
  t.equal(most, 16);
});

t.test('after the deadline, scored episodes have results and every other episode has a problem', async (t) => {
  const engine = stubEngine();
  const score = engine.score;
  let calls = 0;
  engine.score = async function* (request) {
    calls += 1;
    if (calls > 1) await aborted(request.signal).then(() => request.signal.throwIfAborted());
    yield* score(request);
  };
  const app = await buildTestApp(t, { BATCH_DEADLINE_S: 3, DEADLINE_S: 1000 }, engine);
  const items = Array.from({ length: 20 }, () => item(1));
  const form = multipart([batchPart(items), ...items.map(() => framePart(files[0] as Buffer))]);
  // This needs a socket: an injected request never counts as complete.
  const url = `http://127.0.0.1:${await listen(app)}/v1/rewards/batch`;
  const answer = await fetch(url, { method: 'POST', headers: form.headers, body: new Uint8Array(form.payload) });
  const { told, end } = linesOf(t, {
    statusCode: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: await answer.text(),
  });
  t.strictSame(end, { event: 'end', scored: 1, failed: 19, gvl: null });
  t.strictSame([...new Set(outcomes(told))].sort(), ['deadline-exceeded', 'result']);
});

t.test('if the client disconnects, the engine call is aborted', async (t) => {
  const engine = stubEngine({ until: new Promise(() => {}) });
  const app = await buildTestApp(t, {}, engine);
  const called = engine.nextCall();
  const client = await rawClient(t, await listen(app));
  const form = multipart([batchPart([item(1), item(1)]), ...files.slice(0, 2).map(framePart)]);
  client.socket.write(
    `POST /v1/rewards/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${form.headers['content-type']}\r\ncontent-length: ${form.payload.length}\r\n\r\n`,
  );
  client.socket.write(form.payload);
  const { request } = await called;
  client.socket.destroy();
  await aborted(request.signal);
  t.pass('the engine call was aborted');
});

t.test('one batch can hold the next steps of several growing episodes', async (t) => {
  const app = await buildTestApp(t);
  const digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
  const grown = (from: number, count: number) => item(1, { frame_digests: digests.slice(from, from + count) });
  for (let count = 1; count <= 3; count += 1) {
    const parts = [0, 3].map((from) => framePart(files[from + count - 1] as Buffer));
    const { told } = linesOf(t, await postBatch(app, [batchPart([grown(0, count), grown(3, count)]), ...parts]));
    for (const [index, event] of told.entries()) {
      if (event.event !== 'result') throw new Error(JSON.stringify(event));
      const whole = await postEpisode(
        app,
        { ...EPISODE, prefixes: { last: 1 } },
        files.slice(3 * index, 3 * index + count),
      );
      t.equal(ofTopreward(event.result).prefixes[0]?.log_prob_true, resultOf(t, whole).prefixes[0]?.log_prob_true);
    }
  }
});

t.test('line separators in an id do not split a line', async (t) => {
  const app = await buildTestApp(t);
  const id = 'a\u2028b\u2029c\u0085d\ne';
  const answer = await postBatch(app, [batchPart([item(1, { id })]), framePart(files[0] as Buffer)]);
  t.notMatch(answer.body, /[\u0085\u2028\u2029]/);
  const { told } = linesOf(t, answer);
  t.match(told[0], { event: 'result', id });
});

t.test('a batch can mix videos and frames', needs, async (t) => {
  const app = await buildTestApp(t, { PATH: process.env['PATH'] as string });
  const content = readFileSync(makeVideo(t, { type: 'mp4', args: LOSSLESS, count: 20 }));
  const video = { name: 'video', content, filename: 'episode.mp4' };
  const bare = { instruction: EPISODE.instruction };
  const items = [item(1), { episode: bare }, { episode: { ...bare, from_s: 900 } }, item(1)];
  const frames = files.slice(0, 2).map(framePart);
  const { told } = linesOf(t, await postBatch(app, [batchPart(items), ...frames, video, video]));
  t.strictSame(outcomes(told), ['result', 'result', 'no-frames', 'result']);
  const alone = await postParts(app, [{ name: 'episode', content: JSON.stringify(bare) }, video]);
  if (told[1]?.event !== 'result') throw new Error(JSON.stringify(told[1]));
  t.strictSame(comparable(ofTopreward(told[1].result)), comparable(resultOf(t, alone)));
});

t.test('several episodes can be cut from one video', needs, async (t) => {
  const app = await buildTestApp(t, { PATH: process.env['PATH'] as string });
  const content = readFileSync(makeVideo(t, { type: 'mp4', args: LOSSLESS, count: 20 }));
  const video = { name: 'video', content, filename: 'file-000.mp4' };
  const cut = (from_s: number, to_s: number, more: object = {}) => ({
    episode: { instruction: EPISODE.instruction, from_s, to_s },
    ...more,
  });
  const items = [cut(0, 1, { video: 1 }), cut(0, 2), cut(1, 2, { video: 1 }), cut(9, 8, { video: 1 })];
  const { told } = linesOf(t, await postBatch(app, [batchPart(items), video, video]));
  t.strictSame(outcomes(told), ['result', 'result', 'result', 'invalid-range']);
  for (const [index, { episode }] of items.slice(0, 3).entries()) {
    const alone = await postParts(app, [{ name: 'episode', content: JSON.stringify(episode) }, video]);
    const event = told[index];
    if (event?.event !== 'result') throw new Error(JSON.stringify(event));
    t.strictSame(comparable(ofTopreward(event.result)), comparable(resultOf(t, alone)), `episode ${index}`);
  }
  const { told: without } = linesOf(t, await postBatch(app, [batchPart([cut(0, 1, { video: 1 }), cut(0, 1)]), video]));
  t.strictSame(outcomes(without), ['no-frames', 'result'], 'the video with this index is missing');
  isProblem(t, await postBatch(app, [batchPart([{ ...item(1), video: 0 }])]), 'invalid-request', {
    pointer: '/items/0/video',
  });
  const spare = [batchPart([cut(0, 1, { video: 0 })]), video, video];
  isProblem(t, await postBatch(app, spare), 'invalid-request', { part: 'video' });
});

t.test('the memory of an episode is freed as soon as it is scored', async (t) => {
  const engine = stubEngine();
  const score = engine.score;
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  engine.score = async function* (request) {
    calls += 1;
    await gates[calls - 1]?.promise;
    yield* score(request);
  };
  const app = await buildTestApp(t, {}, engine);
  const [small, large] = [files[0] as Buffer, await frameFile('png', { width: 64, height: 64 })];
  const answer = postBatch(app, [batchPart([item(1), item(1)]), framePart(small), framePart(large)]);
  await whenLoad(app, { active: 1, bytes: small.length + large.length });
  gates[0]?.resolve();
  await whenLoad(app, { active: 1, bytes: large.length });
  gates[1]?.resolve();
  t.equal(linesOf(t, await answer).told.length, 2);
  await whenLoad(app, { active: 0, bytes: 0 });
});

t.test('a batch requires a key if API_KEYS is set', async (t) => {
  const app = await buildTestApp(t, { API_KEYS: 'alice=aaaaaaaaaaaaaaaaaaaa' });
  isProblem(t, await postBatch(app, [batchPart([item(1)])]), 'unauthorized');
});
