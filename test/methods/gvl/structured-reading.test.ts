import t from 'tap';
import { gvlSchema } from '../../../src/methods/gvl/prompt.ts';
import { readStructured } from '../../../src/methods/gvl/reading.ts';

function said(text: string, count: number) {
  return readStructured(text, count).frames.map(({ value, reason }) => reason ?? value);
}

t.test('an answer that matches the schema', async (t) => {
  const names = Object.keys(gvlSchema(15).properties);
  const answer = Object.fromEntries(names.map((name, i) => [name, (i * 37) % 101]));
  t.strictSame(readStructured(JSON.stringify(answer), 15), {
    frames: names.map((_, i) => ({ value: (i * 37) % 101, reason: null })),
    conflicting: [],
    unshown: [],
  });
  t.strictSame(said(' {\n "2": 0, "1": 100}\n', 2), [100, 0], 'with spaces and in another order');
});

t.test('members that do not match the schema say why', async (t) => {
  const answer = '{"1": 101, "2": -1, "3": "45", "4": null, "6": 45.5, "7": 1e999, "8": [5]}';
  const expected = ['out-of-range', 'out-of-range', 'no-number', 'no-number', 'not-mentioned', 45.5, 'out-of-range'];
  t.strictSame(said(answer, 8), [...expected, 'no-number']);
});

t.test('members of frames that were not shown are noted', async (t) => {
  const answer = '{"1": 5, "16": 1, "0": 2, "-3": 4, "": 5, "x": 6, "1e1": 7, "__proto__": {"2": 8}}';
  t.strictSame(readStructured(answer, 2), {
    frames: [
      { value: 5, reason: null },
      { value: null, reason: 'not-mentioned' },
    ],
    conflicting: [],
    unshown: [0, 16],
  });
});

t.test('a text that is no JSON object has no numbers', async (t) => {
  const whole = '{"1": 45, "2": 60}';
  const cut = Array.from({ length: whole.length }, (_, length) => whole.slice(0, length));
  const others = ['null', '45', '[1, 2]', '"1"', '{"1": NaN}', `${'['.repeat(50_000)}`, `${'{"1":'.repeat(50_000)}`];
  for (const text of [...cut, ...others, `${whole} and more`, '\ud83d', 'Frame 1: 45%'])
    t.strictSame(said(text, 2), ['not-json', 'not-json'], JSON.stringify(text).slice(0, 60));
});
