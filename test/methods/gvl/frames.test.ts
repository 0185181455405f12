import t from 'tap';
import { evenFrames } from '../../../src/methods/gvl/frames.ts';
import { GVL_NUMBERS } from '../../support/gvl-numbers.ts';

t.test('frames equal those of numpy', async (t) => {
  for (const { frames, count, selected } of GVL_NUMBERS.even_frames)
    t.strictSame(evenFrames(frames, count), selected, `${count} of ${frames}`);
});

t.test('no frame is shown twice, and the last one is always shown', async (t) => {
  const wrong: string[] = [];
  for (let frames = 1; frames <= 1000; frames += 1)
    for (const count of [1, 2, 3, 4, 7, 15, 16, 29, 64, frames - 1, frames, frames + 1]) {
      if (count < 1) continue;
      const selected = evenFrames(frames, count);
      const rising = selected.every((frame, i) => i === 0 || frame > (selected[i - 1] ?? Number.NaN));
      const whole = selected.length === Math.min(count, frames) && (count === 1 || selected.at(-1) === frames - 1);
      const first = selected[0] === (frames <= count ? 0 : 1);
      if (!rising || !whole || !first) wrong.push(`${count} of ${frames}: ${selected}`);
    }
  t.strictSame(wrong, []);
});
