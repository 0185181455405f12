import t from 'tap';
import { frameTime } from '../../src/episode/clock.ts';
import { roundHalfEven } from '../../src/episode/rounding.ts';
import { sampleSchedule } from '../../src/episode/schedule.ts';
import { noFaults } from '../support/faults.ts';
import { REFERENCE } from '../support/reference-numbers.ts';

/** Describes a schedule that differs from the expected one. @returns an empty list if they are equal */
const unlike = (found: number[], indices: number[], what: string): string[] =>
  JSON.stringify(found) === JSON.stringify(indices) ? [] : [`${what}: ${found}, not ${indices}`];

t.test('a constant frame rate is sampled as numpy does', async (t) => {
  const faults = REFERENCE.schedules.flatMap(({ frames, fps, indices }) =>
    unlike(sampleSchedule(frames, { fps }), indices, `${frames} frames at ${fps} fps`),
  );
  noFaults(t, faults, 'sampled as numpy does');
});

t.test('a position half way between two frames is rounded to the even frame', async (t) => {
  // Calculated by hand. At 5 fps a sample is taken every 2.5 frames: 0, 2.5 → 2, 5, 7.5 → 8, 10, 12.5 → 12.
  t.same(sampleSchedule(14, { fps: 5 }), [0, 2, 5, 8, 10, 12]);
  // With 8 frames, 7.5 → 8 is clipped to the last frame, 7.
  t.same(sampleSchedule(8, { fps: 5 }), [0, 2, 5, 7]);
  t.same([0.5, 1.5, 2.5, -0.5, 2.4999, 2.5001].map(roundHalfEven), [0, 2, 2, 0, 2, 3]);
});

t.test('evenly spaced timestamps select the same frames as their fps', async (t) => {
  const faults = REFERENCE.schedules.flatMap(({ frames, fps, indices }) =>
    [0, 12.3, 1_700_000_000.25].flatMap((start) => {
      const timestampsS = Array.from({ length: frames }, (_, i) => start + i / fps);
      const what = `${frames} frames at ${fps} fps from ${start} s`;
      return unlike(sampleSchedule(frames, { timestampsS }), indices, what);
    }),
  );
  noFaults(t, faults, 'same frames as with fps');
});

t.test('uneven timestamps select the nearest frames', async (t) => {
  t.same(
    sampleSchedule(5, { timestampsS: [0, 0.1, 0.2, 0.9, 1.0] }),
    [0, 2, 4],
    'the nearest frame to each multiple of 0.5 s',
  );
  t.same(sampleSchedule(3, { timestampsS: [0, 1e9, 2e9] }), [0, 1, 2], 'a long gap adds no samples');
  t.same(sampleSchedule(1, { timestampsS: [5] }), [0]);
  t.equal(frameTime({ timestampsS: [5, 5.5] }, 1), 0.5, 'the first frame is at 0');
  t.throws(() => frameTime({ timestampsS: [5, 5.5] }, 2), RangeError, 'a frame without a time is an error, not NaN');
});
