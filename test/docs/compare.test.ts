import t from 'tap';
import { difference } from './compare.ts';

const same = (lang: string, expected: string, actual: string) => difference(lang, expected, actual) === undefined;

t.test('text: numbers are near, integers equal, … is anything', async (t) => {
  for (const [expected, actual] of [
    ['score -0.101', 'score   -0.1012\n\n'],
    ['19204.9 bytes', '19200 bytes'],
    ['a … z 3', 'a b z c z 3'],
    ['first\n…\nlast', 'first\nlast'],
    ['first\n…\nlast', 'first\n1\nlast\n2\nlast'],
    ['…', ''],
    ['v1-2', 'v1-2'],
  ] as const)
    t.ok(same('text', expected, actual), `${expected} | ${actual}`);
  for (const [expected, actual] of [
    ['score -0.101', 'score -0.103'],
    ['12 frames', '13 frames'],
    ['first\nlast', 'first\n1\nlast'],
    ['a … z', 'a b'],
    ['a', 'a b'],
    ['True', 'False'],
  ] as const)
    t.notOk(same('text', expected, actual), `${expected} | ${actual}`);
});

t.test('JSON: what is left out is marked', async (t) => {
  for (const [expected, actual] of [
    ['{ "a": 1, "b": [1, 2] }', '{"b":[1,2],"a":1}'],
    ['{ "a": -3.9151 }', '{"a":-3.91514}'],
    ['{ "a": 1, … }', '{"a":1,"b":2}'],
    ['{ "a": 1, "…": "…" }', '{"a":1,"b":2}'],
    ['{ … }', '{"a":1}'],
    ['{ "a": … }', '{"a":[1]}'],
    ['[1, …, 3]', '[1,2,2,3]'],
    ['[1, "…", 3]', '[1,3]'],
    ['[{ "a": 1 }, …]', '[{"a":1},{"a":2}]'],
    ['{ "a": "<|im_start|>user…" }', '{"a":"<|im_start|>user\\nx"}'],
  ] as const)
    t.equal(difference('json', expected, actual), undefined, `${expected} | ${actual}`);
  for (const [expected, actual, words] of [
    ['{ "a": 1 }', '{"a":1,"b":2}', '/b is there too: 2'],
    ['{ "a": { "b": 1 } }', '{"a":{}}', '/a/b is not there'],
    ['{ "a": 12 }', '{"a":13}', '/a is 13'],
    ['[1, 3]', '[1,2]', '/1 is 2'],
    ['[1, …, 3]', '[1,2]', 'the array differs'],
    ['{ "a": null }', '{"a":0}', '/a is 0'],
    ['{ "a": 0.101 }', '{"a":0.103}', '/a is 0.103'],
    ['{ "a": true }', '{"a":false}', '/a is false'],
    ['{ "a": { "b": 1 } }', '{"a":[1]}', '/a is [1]'],
    ['{ "a": 1 }', 'oh no', 'not JSON'],
  ] as const)
    t.match(difference('json', expected, actual), words, `${expected} | ${actual}`);
});

t.test('JSON lines', async (t) => {
  t.ok(same('jsonl', '{ "a": 1 }\n…\n{ "a": 3, … }', '{"a":1}\n{"a":2}\n{"a":3,"b":4}\n'));
  t.notOk(same('jsonl', '{ "a": 1 }', '{"a":1}\n{"a":2}\n'));
  t.notOk(same('jsonl', '{ "a": 1 }', '{"a":2}\n'));
});

t.test('many gaps take little time', { timeout: 5_000 }, async (t) => {
  const [gaps, letters] = ['…a'.repeat(30), 'a'.repeat(300)];
  t.notOk(same('text', `${gaps}z`, letters));
  t.ok(same('text', gaps, letters));
  t.notOk(same('text', '…\na\n'.repeat(30).concat('z'), 'a\n'.repeat(300)));
  t.notOk(same('json', `["${gaps}z"]`, `["${letters}"]`));
  t.ok(same('json', `["${gaps}"]`, `["${letters}"]`));
  t.notOk(same('json', '["x…xx"]', '["xx"]'));
});
