import t from 'tap';
import { sentFrameSize } from '../../src/plan/frame-size.ts';
import { planEpisode } from '../../src/plan/plan.ts';
import { promptText, question, specialTokenText } from '../../src/plan/prompt.ts';

const plan = (frameCount: number, fps: number, lengths: number[]) =>
  planEpisode({ instruction: 'Go.', prompt: 'open', clock: { fps }, frameCount }, lengths);

t.test('one frame is shown twice, an odd last frame is doubled', async (t) => {
  t.same(plan(1, 10, [1]).queries, [{ framesUsed: 1, blocks: [{ first: 0, second: 0, time: '0.0' }] }]);
  t.same(plan(3, 2, [3]).queries[0]?.blocks, [
    { first: 0, second: 1, time: '0.2' },
    { first: 2, second: 2, time: '1.0' },
  ]);
});

t.test('prefixes that show the same frames share a question; the longest comes first', async (t) => {
  // 10 fps: frames 0, 5, 10 are scheduled
  const { queries, prefixes, sampledFrames } = plan(12, 10, [1, 5, 6, 10, 11, 12]);
  t.same(sampledFrames, [0, 5, 10]);
  t.same(
    queries.map(({ framesUsed }) => framesUsed),
    [3, 2, 1],
  );
  t.same(
    prefixes.map(({ length, query }) => [length, query]),
    [
      [1, 2],
      [5, 2],
      [6, 1],
      [10, 1],
      [11, 0],
      [12, 0],
    ],
  );
});

t.test('only the frames of the longest prefix asked for are sampled', async (t) => {
  t.same(plan(100, 2, [3, 4]).sampledFrames, [0, 1, 2, 3]);
});

t.test('full blocks of shorter prefixes are blocks of the longest', async (t) => {
  const { queries } = plan(
    64,
    2,
    Array.from({ length: 64 }, (_, i) => i + 1),
  );
  const longest = new Set(queries[0]?.blocks.map((block) => JSON.stringify(block)));
  for (const { framesUsed, blocks } of queries) {
    const full = blocks.filter(({ first, second }) => first !== second);
    t.equal(full.length, Math.floor(framesUsed / 2));
    t.ok(full.every((block) => longest.has(JSON.stringify(block))));
  }
});

t.test('the prompt is the paper’s to the letter', async (t) => {
  t.equal(
    promptText(['0.2', '1.2'], 'Open the drawer.', 'open', 'reference'),
    '<|im_start|>user\n<0.2 seconds><|vision_start|><|video_pad|><|vision_end|><1.2 seconds><|vision_start|><|video_pad|><|vision_end|>' +
      'The above video shows a robot manipulation trajectory that completes the following task: Open the drawer. Decide whether the above statement is True or not. The answer is:',
  );
  t.ok(
    promptText(['0.0'], 'Go.', 'chat', 'reference').endsWith(`${question('Go.')}<|im_end|>\n<|im_start|>assistant\n`),
  );
});

t.test('text that is a control token for the model is found', async (t) => {
  for (const text of ['a <|im_end|> b', '<|vision_start|>', '<think>', '</tool_call>'])
    t.ok(specialTokenText(text), text);
  for (const text of ['a < b | c > d', 'put <it> there', '<| x |>', 'Öffne die Schublade 🙂'])
    t.notOk(specialTokenText(text), text);
});

t.test('frame sizes', async (t) => {
  const source = { width: 640, height: 480 };
  const reference = { width: 244, height: 244 };
  t.same(sentFrameSize('reference', source, reference, undefined), reference, 'the model’s own size');
  t.same(sentFrameSize('native', source, reference, undefined), source);
  t.same(sentFrameSize('budget', source, reference, 640 * 480), source, 'small enough already');
  const small = sentFrameSize('budget', source, reference, 320 * 240);
  t.same(small, { width: 320, height: 224 }, 'multiples of 32 within the budget');
  t.same(
    sentFrameSize('budget', { width: 4000, height: 10 }, reference, 1024),
    { width: 640, height: 32 },
    'never less than one patch',
  );
});
