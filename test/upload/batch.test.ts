import t from 'tap';
import { ProblemError } from '../../src/problems/problems.ts';
import { createBatchReader } from '../../src/upload/batch.ts';
import { readBatchJson } from '../../src/upload/batch-json.ts';
import { readBatchMultipart } from '../../src/upload/batch-multipart.ts';
import type { FormPart } from '../../src/upload/form.ts';
import { json, LIMITS, outcomes, part, partsOf, recordingReader } from './support.ts';

/** Reads a form with these items and parts. @returns the entries of the batch */
async function readForm(items: object[], parts: FormPart[], limits = {}) {
  const all = { ...LIMITS, ...limits };
  const reader = createBatchReader(all, recordingReader);
  await readBatchMultipart(partsOf(part('batch', JSON.stringify({ items })), ...parts), all, reader, json);
  return reader.finish();
}

const episode = (number: number, at = number) => `episode {"id":"${number}"} at /items/${at}/episode`;
const item = (number: number, where: object = {}) => ({ episode: { id: `${number}` }, ...where });

t.test('frames belong to the episodes in order, and are numbered from 0 in each', async (t) => {
  const entries = await readForm(
    [item(0, { frame_count: 2 }), item(1, { frame_count: 0 }), item(2, { frame_count: 1 })],
    [part('frames', 'a'), part('frames', 'b', 'c'), part('frames', 'd')],
  );
  t.strictSame(
    entries.map(({ id }) => id),
    ['0', '1', '2'],
  );
  t.strictSame(outcomes(entries), [
    [episode(0), 'image a at frames 0', 'image bc at frames 1'],
    [episode(1)],
    [episode(2), 'image d at frames 0'],
  ]);
});

t.test('files belong to the next episode that has no frames', async (t) => {
  const entries = await readForm(
    [item(0), item(1, { frame_count: 1 }), item(2)],
    [part('video', 'v'), part('frames', 'f'), part('npy', 'n')],
  );
  t.strictSame(outcomes(entries), [
    [episode(0), 'video v at video'],
    [episode(1), 'image f at frames 0'],
    [episode(2), 'npy n'],
  ]);
});

t.test('several episodes are cut from one video, which is received once', async (t) => {
  const entries = await readForm(
    [item(0, { video: 0 }), item(1), item(2, { video: 0 })],
    [part('video', 'v', 'w'), part('video', 'x')],
  );
  t.strictSame(outcomes(entries), [
    [episode(0), 'video vw at video'],
    [episode(1), 'video x at video'],
    [episode(2), 'video again'],
  ]);
});

t.test('a problem of one episode does not affect the others', async (t) => {
  const items = [
    { episode: 'broken' },
    item(1, { frame_count: 2 }),
    item(2, { frame_count: 1 }),
    item(3, { frame_count: 1 }),
  ];
  const frames = ['broken', 'after', 'x'.repeat(LIMITS.MAX_FRAME_BYTES + 1), 'good'];
  const entries = await readForm(items, [part('npy', 'n'), ...frames.map((text) => part('frames', text))]);
  t.strictSame(outcomes(entries), [
    'image-damaged',
    'image-damaged',
    'upload-too-large',
    [episode(3), 'image good at frames 0'],
  ]);
  t.match(entries[2], { problem: { place: { part: 'frames', frame: 0, limit: LIMITS.MAX_FRAME_BYTES } } });
});

t.test('the rest of a file that an episode refuses is read, so that the next part is found', async (t) => {
  const entries = await readForm(
    [item(0), item(1, { frame_count: 1 })],
    [part('npy', 'stop', 'more', 'data'), part('frames', 'f')],
  );
  t.strictSame(outcomes(entries), ['invalid-npy', [episode(1), 'image f at frames 0']]);
});

t.test('a refused file is read to its end before the next part is requested', async (t) => {
  const events: string[] = [];
  async function* chunks() {
    for (const piece of ['stop', 'more', 'data']) {
      events.push(piece);
      yield Buffer.from(piece);
    }
  }
  async function* parts() {
    yield part('batch', JSON.stringify({ items: [item(0)] }));
    for (const name of ['npy', 'episode']) {
      events.push(name);
      yield { name, chunks: chunks() };
    }
  }
  const reader = createBatchReader(LIMITS, recordingReader);
  await t.rejects(readBatchMultipart(parts(), LIMITS, reader, json), { code: 'unexpected-part' });
  t.strictSame(events, ['npy', 'stop', 'more', 'data', 'episode']);
});

t.test('a frame may have as many bytes as the limit, in any number of chunks', async (t) => {
  const whole = 'x'.repeat(LIMITS.MAX_FRAME_BYTES);
  const frames = [part('frames', whole), part('frames', whole.slice(4), whole.slice(-4)), part('frames', whole, 'x')];
  const items = [item(0, { frame_count: 2 }), item(1, { frame_count: 1 })];
  t.strictSame(outcomes(await readForm(items, frames)), [
    [episode(0), `image ${whole} at frames 0`, `image ${whole} at frames 1`],
    'upload-too-large',
  ]);
});

t.test('an episode whose parts are missing is a problem', async (t) => {
  const entries = await readForm([item(0, { frame_count: 2 }), item(1), item(2, { video: 7 })], [part('frames', 'a')]);
  t.strictSame(outcomes(entries), ['no-frames', 'no-frames', 'no-frames']);
  t.match(entries[0], { problem: { message: /^Only 1 of 2 parts of this episode arrived/, place: { frame: 1 } } });
});

t.test('a part of no episode ends the batch', async (t) => {
  const unclaimed = { code: 'invalid-request' };
  await t.rejects(readForm([item(0, { frame_count: 1 })], [part('frames', 'a'), part('frames', 'b')]), {
    ...unclaimed,
    message: /`frames` number 1 .*every `frame_count` has been reached/,
  });
  await t.rejects(readForm([item(0)], [part('npy', 'a'), part('npy', 'b')]), {
    ...unclaimed,
    message: /`npy` number 1 /,
  });
  await t.rejects(readForm([item(0, { frame_count: 1 })], [part('video', 'v')]), {
    ...unclaimed,
    message: /`video` number 0 /,
  });
  await t.rejects(readForm([item(0)], [part('frame', 'a')]), { code: 'unexpected-part', message: /mean `frames`/ });
});

t.test('a list that is wrong ends the batch', async (t) => {
  await t.rejects(readForm([], []), { code: 'invalid-request', place: { pointer: '/items' } });
  await t.rejects(readForm([item(0, { frame_count: 1, video: 0 })], []), {
    code: 'invalid-request',
    place: { pointer: '/items/0/video' },
  });
  await t.rejects(readForm(Array(5).fill(item(0)), []), { code: 'upload-too-large', place: { limit: 4 } });
  await t.rejects(readForm([item(0, { frame_count: 9 })], []), { code: 'too-many-frames', place: { limit: 8 } });
  await t.rejects(readForm([item(0)], [part('batch', '{"items":[{}]}')]), { code: 'unexpected-part' });
  const early = createBatchReader(LIMITS, recordingReader);
  await t.rejects(readBatchMultipart(partsOf(part('npy', 'n')), LIMITS, early, json), { code: 'missing-episode' });
  await t.rejects(early.finish(), { code: 'missing-episode' });
});

t.test('an upload that breaks off is no problem of an episode', async (t) => {
  async function* broken() {
    yield Buffer.from('v');
    throw new Error('connection lost');
  }
  async function* refused() {
    yield Buffer.from('v');
    throw new ProblemError('upload-too-large', 'The request is too large.');
  }
  for (const name of ['npy', 'video'])
    await t.rejects(readForm([item(0)], [{ name, chunks: refused() }]), { code: 'upload-too-large' }, name);
  const parts = [{ name: 'video', chunks: broken() }];
  await t.rejects(readForm([item(0, { video: 0 }), item(1, { video: 0 })], parts), { message: 'connection lost' });
});

t.test('in JSON each item has its own problems, too', async (t) => {
  const frame = Buffer.from('f').toString('base64');
  const body = {
    items: [
      { episode: { id: '0' }, frames: [frame, frame] },
      { episode: { id: '1' }, frames: ['not base64'] },
      { frames: [frame] },
      { episode: { id: 'x'.repeat(300) }, frames: [] },
    ],
  };
  const entries = await readBatchJson(body, LIMITS, recordingReader);
  t.strictSame(outcomes(entries).slice(0, 3), [
    [episode(0), 'image f at /items/0/frames/0 0', 'image f at /items/0/frames/1 1'],
    'invalid-request',
    'missing-episode',
  ]);
  t.strictSame(
    entries.map(({ id }) => id?.length),
    [1, 1, undefined, 256],
  );
  t.match(entries[1], { problem: { place: { pointer: '/items/1/frames/0' } } });
});

t.test('a JSON list that is wrong ends the batch', async (t) => {
  const read = (body: unknown) => readBatchJson(body, LIMITS, recordingReader);
  for (const body of [null, {}, { items: [] }, { items: {} }])
    await t.rejects(read(body), { code: 'invalid-request', place: { pointer: '/items' } });
  await t.rejects(read({ items: [{}], more: 1 }), { code: 'invalid-request', place: { pointer: '/more' } });
  await t.rejects(read({ items: Array(5).fill({}) }), { code: 'upload-too-large', place: { limit: 4 } });
  await t.rejects(read({ items: [{ frames: Array(9).fill('') }] }), { code: 'too-many-frames', place: { limit: 8 } });
});

t.test('an error that is not a problem ends the batch', async (t) => {
  const failing = () => ({
    ...recordingReader(),
    episode: () => {
      throw new TypeError('a mistake in the code');
    },
  });
  await t.rejects(readBatchJson({ items: [item(0)] }, LIMITS, failing), TypeError);
  const reader = createBatchReader(LIMITS, failing);
  await t.rejects(reader.batch({ items: [item(0)] }), TypeError);
});
