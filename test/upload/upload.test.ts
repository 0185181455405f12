import t from 'tap';
import type { FrameCollector, Frames } from '../../src/frames/frames.ts';
import { ProblemError } from '../../src/problems/problems.ts';
import { readJson } from '../../src/upload/json.ts';
import { createUploadReader, type UploadReader } from '../../src/upload/upload.ts';
import type { VideoReader } from '../../src/video/video.ts';
import { npyFile } from '../support/images.ts';
import { chunksOf, LIMITS, recordingReader } from './support.ts';

const EPISODE = { instruction: 'Open the drawer.', fps: 2 };
const place = { part: 'frames' };

/** Creates a reader whose frames and videos are recorded instead of being decoded. */
function createReader({ refuse = () => {} }: { refuse?: () => void } = {}) {
  const seen: string[] = [];
  const collected = { count: 1 } as Frames;
  const frames: FrameCollector = {
    expect: ({ clock }) => seen.push(`clock ${JSON.stringify(clock)}`),
    addImage: async (bytes) => void seen.push(`image ${bytes}`),
    addPixels: (bytes, { width, height }, { frame }) =>
      void seen.push(`pixels ${frame}: ${width}×${height}, ${bytes.length} bytes`),
    finish: () => collected,
  };
  const fromVideo = { count: 2 } as Frames;
  const tools = { ffmpeg: '', ffprobe: '', version: '7.0', prlimit: undefined };
  const videos: VideoReader = {
    tools,
    queues: {},
    async receive(chunks, place) {
      let text = '';
      for await (const chunk of chunks) text += chunk;
      seen.push(`video ${text}`);
      return { path: '', folder: '', bytes: text.length, tools, timeoutS: 1, place };
    },
    async open(_file, { fromS, toS }, tenant) {
      seen.push(`open ${fromS} to ${toS} for ${tenant}`);
      return { frames: fromVideo, clock: { timestampsS: [0, 1] }, waitedMs: 7 };
    },
    close: async () => {},
  };
  const context = { tenant: 'alice', signal: new AbortController().signal, controlTokenIn: () => undefined, refuse };
  return { seen, collected, fromVideo, reader: createUploadReader(LIMITS, frames, videos, context) };
}

t.test('options and frames may arrive in any order', async (t) => {
  const { reader, seen, collected } = createReader();
  await reader.image(Buffer.from('a'), place);
  reader.episode(EPISODE, '/e');
  await reader.image(Buffer.from('b'), place);
  const { request, frames, pointer, waitedMs } = await reader.finish();
  t.strictSame(seen, ['image a', 'clock {"fps":2}', 'image b']);
  t.match(request, { instruction: EPISODE.instruction, clock: { fps: 2 } });
  t.equal(frames, collected);
  t.strictSame([pointer, waitedMs], ['/e', 0]);
});

t.test('a .npy file is read frame by frame', async (t) => {
  const { reader, seen } = createReader();
  reader.episode(EPISODE, '');
  const file = npyFile(Buffer.alloc(2 * 3 * 4 * 3), { shape: [2, 3, 4, 3] });
  await reader.npy(chunksOf(file.subarray(0, 5), file.subarray(5, 140), file.subarray(140)));
  t.strictSame(seen.slice(1), ['pixels 0: 4×3, 36 bytes', 'pixels 1: 4×3, 36 bytes']);
});

t.test('a .npy file above a limit is refused by its header', async (t) => {
  const refused = (shape: [number, number, number, 3]) => {
    const { reader } = createReader();
    const header = npyFile(Buffer.alloc(0), { shape });
    async function* chunks() {
      yield header;
      throw new Error('more than the header was read');
    }
    return reader.npy(chunks());
  };
  await t.rejects(refused([101, 3, 4, 3]), { code: 'too-many-frames', place: { part: 'npy', limit: 100 } });
  await t.rejects(refused([1, 3, 1001, 3]), { code: 'image-too-large', place: { part: 'npy' } });
});

t.test('the frames of a video have their own clock', async (t) => {
  const { reader, seen, fromVideo } = createReader();
  await reader.video({ chunks: chunksOf('v'), place: { part: 'video' } });
  reader.episode({ instruction: EPISODE.instruction, from_s: 1, to_s: 2 }, '');
  const { request, frames, waitedMs } = await reader.finish();
  t.strictSame(seen, ['video v', 'open 1 to 2 for alice']);
  t.strictSame(request.clock, { timestampsS: [0, 1] });
  t.equal(frames, fromVideo);
  t.equal(waitedMs, 7);
});

t.test('two episodes that are cut from one video store it once', async (t) => {
  const [one, other] = [createReader(), createReader()];
  const video = { chunks: chunksOf('v'), place: { part: 'video' } };
  await one.reader.video(video);
  await other.reader.video(video);
  t.strictSame([one.seen, other.seen], [['video v'], []]);
});

t.test('what does not fit together is refused as soon as both pieces are there', async (t) => {
  const image = (reader: UploadReader) => reader.image(Buffer.from('a'), place);
  const video = (reader: UploadReader) => reader.video({ chunks: chunksOf('v'), place: { part: 'video' } });
  for (const [episode, add, code] of [
    [{ instruction: 'Go.' }, image, 'missing-clock'],
    [{ ...EPISODE, from_s: 1 }, image, 'invalid-range'],
    [EPISODE, video, 'ambiguous-clock'],
  ] as const) {
    const [before, after] = [createReader().reader, createReader().reader];
    before.episode(episode, '');
    await t.rejects(add(before), { code });
    await add(after);
    t.throws(() => after.episode(episode, ''), { code });
  }
  const { reader } = createReader();
  reader.episode(EPISODE, '');
  t.throws(() => reader.episode(EPISODE, ''), { code: 'unexpected-part', place: { part: 'episode' } });
});

t.test('an episode has frames of one kind', async (t) => {
  const image = (reader: UploadReader) => reader.image(Buffer.from('a'), place);
  const npy = (reader: UploadReader) => reader.npy(chunksOf(npyFile(Buffer.alloc(36), { shape: [1, 3, 4, 3] })));
  const video = (reader: UploadReader) => reader.video({ chunks: chunksOf('v'), place: { part: 'video' } });
  for (const [first, second, code] of [
    [image, npy, 'ambiguous-frames'],
    [npy, video, 'ambiguous-frames'],
    [video, image, 'ambiguous-frames'],
    [npy, npy, 'unexpected-part'],
    [video, video, 'unexpected-part'],
  ] as const) {
    const { reader } = createReader();
    await first(reader);
    await t.rejects(second(reader), { code });
  }
  const two = createReader();
  await image(two.reader);
  await image(two.reader);
  t.strictSame(two.seen, ['image a', 'image a']);
});

t.test('without options there is no episode, and options can be enough for a refusal', async (t) => {
  const { reader } = createReader();
  await t.rejects(reader.finish(), { code: 'missing-episode' });
  reader.episode({ instruction: 'Go.' }, '/e');
  await t.rejects(reader.finish(), { code: 'missing-clock', place: { pointer: '/e/fps' } });
  const refused = createReader({
    refuse: () => {
      throw new ProblemError('engine-unavailable', 'not now');
    },
  });
  t.throws(() => refused.reader.episode(EPISODE, ''), { code: 'engine-unavailable' });
});

t.test('a JSON document is read as its parts would be', async (t) => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const reader = recordingReader();
  await readJson({ episode: { id: '1' }, frames: [base64('a'), base64('bc')] }, LIMITS, reader);
  await readJson({ episode: {}, npy: base64('npy') }, LIMITS, reader, '/items/3');
  await readJson({ episode: {}, video: base64('video') }, LIMITS, reader);
  t.strictSame(reader.received, [
    'episode {"id":"1"} at /episode',
    'image a at /frames/0 0',
    'image bc at /frames/1 1',
    'episode {} at /items/3/episode',
    'npy npy',
    'episode {} at /episode',
    'video video at /video',
  ]);
});

t.test('in JSON a wrong value is named by its pointer', async (t) => {
  const read = (body: unknown, pointer?: string) => readJson(body, LIMITS, recordingReader(), pointer);
  await t.rejects(read(null), { code: 'missing-episode', place: { pointer: '/episode' } });
  await t.rejects(read({}, '/items/1'), { code: 'missing-episode', place: { pointer: '/items/1/episode' } });
  for (const text of ['a', 'ab=', 'YQ', 'YQ==\n', 'data:image/png;base64,YQ==', 'Y*Q='])
    await t.rejects(read({ episode: {}, npy: text }), { code: 'invalid-request', place: { pointer: '/npy' } }, text);
  await t.rejects(read({ episode: {}, frames: [Buffer.alloc(11).toString('base64')] }), {
    code: 'upload-too-large',
    place: { pointer: '/frames/0', frame: 0, limit: 10 },
  });
  await t.rejects(read({ episode: {}, frame: [] }), { code: 'invalid-request', place: { pointer: '/frame' } });
});
