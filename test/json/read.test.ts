import t from 'tap';
import { readJsonBytes } from '../../src/json/read.ts';
import { excessOf } from '../../src/json/structure.ts';

const excess = (text: string) => excessOf(Buffer.from(text));
const read = (text: string | Buffer) => readJsonBytes(Buffer.from(text), 'The body');

t.test('brackets and commas inside strings are not counted', async (t) => {
  const quoted = JSON.stringify('{}[]:,"\\'.repeat(300_000));
  t.equal(excess(`{"a":${quoted},"b":[1,2]}`), undefined);
  t.equal(excess(`["\\\\",${'"\\"",'.repeat(1000)}0]`), undefined);
  t.equal(excess('"never closed [[[['), undefined);
});

t.test('a document beyond a structure limit is refused', async (t) => {
  const list = (item: string, count: number) => `[${Array(count).fill(item).join(',')}]`;
  t.equal(excess(list('{}', 199_999)), undefined);
  t.match(excess(list('{}', 200_000)), /200000 lists, objects and members/);
  t.match(excess(`{${'"a":0,'.repeat(200_000)}"a":0}`), /200000 lists, objects and members/);
  t.equal(excess(list('0', 1_000_001)), undefined);
  t.match(excess(list('0', 1_000_002)), /1000000 items/);
  t.equal(excess(`${'['.repeat(64)}${']'.repeat(64)}`), undefined);
  t.match(excess(`${'['.repeat(65)}${']'.repeat(65)}`), /64 lists and objects inside each other/);
});

t.test('a valid document is read', async (t) => {
  t.same(read('{"a": [1, "ü", null]}'), { value: { a: [1, 'ü', null] } });
});

t.test('text that is not UTF-8 is refused, and no character is replaced', async (t) => {
  const broken = Buffer.from('{"instruction": "Open the dr?wer."}');
  broken[broken.indexOf('?')] = 0xe4;
  t.match(read(broken), { fault: 'malformed', detail: /not valid UTF-8/ });
});

t.test('the message about a common mistake says what to write instead', async (t) => {
  for (const [text, advice] of [
    ["{'a': 1}", /double quotes.*json\.dumps/],
    ['{"a": \'b\'}', /double quotes/],
    ['{"a": [0, NaN]}', /NaN/],
    ['{"a": -Infinity}', /Infinity/],
    ['{"a": Infinity}', /Infinity/],
    ['{"a": True}', /true/],
    ['{"a": False}', /false/],
    ['{"a": None}', /null/],
    ['{"a": 1,}', /comma/],
    ['{"a": [1, 2,]}', /comma/],
    ['{a: 1}', /without quotes/],
    ['', /is empty/],
    ['{"a": 1', /not valid JSON/],
  ] as const) {
    t.match(read(text), { fault: 'malformed', detail: advice }, text);
  }
});

t.test('messages quote no words of the document', async (t) => {
  t.notMatch(JSON.stringify(read('{"instruction": zebra}')), /zebra/);
});
