import { createHash } from 'node:crypto';
import t from 'tap';
import { type FrameStore, listedStore, orderedStore } from '../../src/frames/frame-store.ts';
import { createRecentFrameCache } from '../../src/frames/recent-frames.ts';
import type { UploadedFrame } from '../../src/frames/uploaded-frame.ts';

/** At 8 fps, every fourth frame is sampled. */
const CLOCK = { fps: 8 };
const BYTES = 100;
/** What a frame counts among the recent frames. */
const COUNTED = BYTES + 1024;
const frames = (count: number): UploadedFrame[] =>
  Array.from({ length: count }, (_, i) => ({
    bytes: Buffer.from(new Uint8Array(BYTES).fill(i).buffer),
    kind: 'file',
    size: { width: 1, height: 1 },
    place: {},
  }));
const digestOf = ({ bytes }: UploadedFrame) => createHash('sha256').update(bytes).digest('hex');

function put(store: FrameStore, ...some: (UploadedFrame | undefined)[]): void {
  for (const frame of some) store.put(frame as UploadedFrame);
}

t.test('a complete episode holds its sampled frames and the newest one, and frees the others at once', async (t) => {
  const all = frames(8);
  const store = orderedStore(CLOCK, 100, false);
  const uploaded = () => store.uploaded().map((frame) => all.indexOf(frame));
  const held = () => all.flatMap(({ bytes }, i) => (bytes.length > 0 ? i : []));
  put(store, ...all.slice(0, 3));
  t.strictSame(uploaded(), [0, 2]);
  t.strictSame(held(), [0, 2, 3, 4, 5, 6, 7], 'frame 1 is freed');
  put(store, ...all.slice(3));
  t.strictSame(uploaded(), [0, 4, 7]);
  t.strictSame(held(), [0, 4, 7]);
  t.equal(store.count(), 8);
  t.equal(store.take(4), all[4]);
  t.strictSame(uploaded(), [0, 7], 'a frame that was taken is no longer here');
});

t.test('a complete episode whose frames are rendered again keeps what was taken', async (t) => {
  const all = frames(5);
  const store = orderedStore(CLOCK, 100, true);
  put(store, ...all);
  t.equal(store.take(4), all[4]);
  t.equal(store.take(4), all[4]);
  t.ok(store.shared, 'the renderer must not move its memory');
});

t.test('a growing episode remembers its sampled frames and the newest one', async (t) => {
  const all = frames(7);
  const digests = all.map(digestOf);
  const recentFrames = createRecentFrameCache(10 * COUNTED);
  const store = listedStore(digests, CLOCK, recentFrames.of('a'), '');
  for (const [frame, isSampled, count] of [
    [1, false, 0],
    [4, true, 1],
    [5, false, 1],
    [6, false, 2],
    [0, true, 3],
    [3, false, 3],
  ] as const) {
    put(store, all[frame]);
    t.equal(recentFrames.bytes(), count * COUNTED, `frame ${frame}`);
    t.equal(store.peek(frame) !== undefined, isSampled, `frame ${frame}`);
  }
  t.strictSame(
    store.uploaded().map(({ place }) => place.frame),
    [0, 4],
  );
  t.match(store.take(4), { bytes: all[4]?.bytes, place: { frame: 4 } });
  t.equal(store.uploaded().length, 2, 'a frame that was taken is still here');
});
