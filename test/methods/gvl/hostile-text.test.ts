import t from 'tap';
import { readPercentages, readStructured } from '../../../src/methods/gvl/reading.ts';

/** A quarter of the longest text that is read from an engine. */
const LENGTH = 64 * 1024;
/** The longest computing time of one text. A reading in quadratic time would take many seconds. */
const MOST_MS = 500;

/** Repeated to the length. */
const REPEATED = [
  'Frame 1: ',
  'Frame 1: 50% ',
  'frame 1 50 ',
  'Frames 1 ',
  'Frame ##{[(',
  'frame 99999999999999999999',
  '1',
  '1.',
  '1,',
  '.',
  '1e9',
  '1 - ',
  '1 to ',
  '50% - ',
  '%',
  ' ',
  '\n',
  ': ',
  ':{}[]()*_`',
  '~~',
  '{"1":',
  '[',
  '"',
  '\\',
  '{"1":5,"',
  '\ud83d',
  '🤖',
  '́',
  'fra',
  'F\u0000',
];
/** Around the repeated part. */
const BEFORE = ['', 'Frame 1: 5', 'Frame 1:\n', '{"1": "'];
const AFTER = ['', '%', 'x'];

for (const [name, read] of Object.entries({ readPercentages, readStructured })) {
  t.test(`${name} takes time in proportion to the length of a hostile text`, async (t) => {
    let slowest = { ms: 0, what: '' };
    for (const part of REPEATED) {
      for (const before of BEFORE) {
        for (const after of AFTER) {
          const text = `${before}${part.repeat(Math.floor(LENGTH / part.length))}${after}`;
          for (const isCutOff of [false, true]) {
            const started = process.cpuUsage();
            const { frames } = read(text, 100, isCutOff);
            const ms = process.cpuUsage(started).user / 1000;
            if (frames.length !== 100) t.fail(JSON.stringify([before, part, after]));
            if (ms > slowest.ms) slowest = { ms, what: JSON.stringify([before, part, after, isCutOff]) };
          }
        }
      }
    }
    t.ok(slowest.ms < MOST_MS, `${slowest.ms.toFixed(1)} ms for ${slowest.what}`);
    t.comment(`slowest: ${slowest.ms.toFixed(1)} ms for ${slowest.what}`);
  });
}

t.test('many frames and numbers stay a short list of names', async (t) => {
  const text = Array.from({ length: 20_000 }, (_, i) => `Frame ${i}: 5%`).join('\n');
  const { unshown, frames } = readPercentages(text, 15);
  t.equal(unshown.length, 20_000 - 15);
  t.ok(frames.every(({ value }) => value === 5));
});
