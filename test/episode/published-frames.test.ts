import t from 'tap';
import { publishedCount, publishedFrames } from '../../src/episode/published-frames.ts';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { PUBLISHED } from '../support/published-numbers.ts';

t.test('a prefix shows the frames of the authors’ first release, at its times', async (t) => {
  for (const { length, positions, times } of PUBLISHED.frames) {
    const frames = publishedFrames(length);
    t.equal(publishedCount(length), positions.length, `${length} frames: count`);
    t.same(
      frames.map(({ frame }) => frame),
      positions.map((position) => Math.min(position, length - 1)),
      `${length} frames: numbers`,
    );
    t.same(
      QWEN3_VL.published.blocks(frames).map(({ time }) => time),
      times,
      `${length} frames: times`,
    );
  }
});

t.test('the first and the last frame of every prefix are shown', async (t) => {
  for (let length = 1; length <= 500; length += 1) {
    const frames = publishedFrames(length);
    t.match([frames[0]?.frame, frames.at(-1)?.frame], [0, length - 1]);
  }
});

t.test('the frame size of a prefix is the processor’s', async (t) => {
  for (const { count, side } of PUBLISHED.sides)
    t.same(QWEN3_VL.published.size(count), { width: side, height: side }, `${count} frames`);
});
