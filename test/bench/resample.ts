// Compares the resampler in WebAssembly with the same one in plain JavaScript: milliseconds per frame, including copies.
//   npm run bench:resample -- [--repeat N]
import { parseArgs } from 'node:util';
import { REFERENCE_SIDE } from '../../schemas/defaults.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import { createResampler } from '../../src/frames/resample.ts';
import { plainBicubic } from '../support/plain-bicubic.ts';
import { median, table } from './support.ts';

const { values: options } = parseArgs({ options: { repeat: { type: 'string', default: '40' } } });

/** Sizes of frames, and how many times faster WebAssembly must be at least. */
const CASES: { from: FrameSize; gain: number }[] = [
  { from: { width: 480, height: 480 }, gain: 5 },
  { from: { width: 640, height: 480 }, gain: 5 },
  { from: { width: 1920, height: 1080 }, gain: 4 },
];
const to = { width: REFERENCE_SIDE, height: REFERENCE_SIDE };
const repeats = Number(options.repeat);
const resampler = createResampler();

function time(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

const rows = CASES.map(({ from, gain }) => {
  const pixels = new Uint8Array(from.width * from.height * 3).map((_, i) => (i * 2654435761) >>> 24);
  const plain: number[] = [];
  const fast: number[] = [];
  // Both take turns. The first half of the turns is a warm-up.
  for (let turn = 0; turn < 2 * repeats; turn += 1) {
    const times = [
      time(() => plainBicubic(pixels, from, to)),
      time(() => resampler.rgb({ pixels, from, to })),
    ] as const;
    if (turn < repeats) continue;
    plain.push(times[0]);
    fast.push(times[1]);
  }
  const ratio = median(plain) / median(fast);
  const verdict = `${ratio >= gain ? 'ok' : 'MISS'}, at least ${gain}`;
  const size = `${from.width}×${from.height} to ${to.width}×${to.height}`;
  return [size, median(plain).toFixed(2), median(fast).toFixed(2), ratio.toFixed(1), verdict];
});
console.log(table(['', 'JavaScript, ms', 'WebAssembly, ms', 'times faster', ''], rows));
