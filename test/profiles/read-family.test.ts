import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { generationText, promptText } from '../../src/families/family.ts';
import { profileNames, readFamily } from '../../src/families/read-family.ts';

const VALID = {
  format: 1,
  name: 'mine',
  models: ['Mine'],
  frames: 'images',
  verified: null,
  prompt: {
    opening: '<user>',
    opening_before_text: '<user> ',
    time: '[{time} s]',
    image: '<im><pad></im>',
    image_token: '<pad>',
    turn_end: '</user><bot>',
  },
  side_multiple: 14,
};

async function fileWith(t: Test, content: unknown): Promise<string> {
  const file = join(t.testdir(), 'mine.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

t.test('every profile of the service can be read, and has the name of its file', async (t) => {
  const names = await profileNames();
  t.ok(
    ['internvl', 'molmo2', 'qwen2.5-vl', 'qwen3-vl', 'qwen3-vl-images', 'smolvlm'].every((name) =>
      names.includes(name),
    ),
  );
  for (const name of names) t.equal((await readFamily(name)).name, name);
});

t.test('the prompt of a profile with images is written from its texts', async (t) => {
  const family = await readFamily(await fileWith(t, VALID));
  t.match(family, { name: 'mine', verified: false, media: 'image', framesPerBlock: 1, layouts: ['images'] });
  t.equal(
    promptText(family, ['0.0', '0.5'], 'Done?', 'open', 'images'),
    '<user> [0.0 s]<im><pad></im>[0.5 s]<im><pad></im>Done?',
    'a turn that begins with a time begins with a text',
  );
  t.equal(promptText(family, ['0.0'], 'Done?', 'chat', 'images'), '<user> [0.0 s]<im><pad></im>Done?</user><bot>');
  t.equal(generationText(family, [{ frame: 0 }, { text: 'What?' }]), '<user><im><pad></im>What?</user><bot>');
  t.equal(generationText(family, [{ text: 'What?' }, { frame: 0 }]), '<user> What?<im><pad></im></user><bot>');
  const { time: _, ...withoutTime } = VALID.prompt;
  const plain = await readFamily(await fileWith(t, { ...VALID, prompt: withoutTime }));
  t.equal(promptText(plain, ['0.0', '0.5'], '?', 'open', 'images'), '<user><im><pad></im><im><pad></im>?');
});

t.test('each sampled frame is a block with its own time', async (t) => {
  const family = await readFamily(await fileWith(t, VALID));
  t.strictSame(family.blocks([0, 5, 9], { fps: 10 }), [
    { frames: [0], time: '0.0' },
    { frames: [5], time: '0.5' },
    { frames: [9], time: '0.9' },
  ]);
  t.strictSame(family.ownBlocks([0, 5, 9], 3, { fps: 10 }), [], 'no frame is doubled');
  t.equal(family.published, undefined);
  t.equal(family.wouldShrink(10_000, { width: 4096, height: 4096 }), false);
  const small = family.sentSize('budget', { width: 640, height: 480 }, { width: 244, height: 244 }, 50_000);
  t.strictSame([small.width % 14, small.height % 14], [0, 0]);
  t.ok(small.width * small.height <= 50_000);
});

t.test('a statement of a profile replaces that of Qwen3-VL, whatever the instruction has', async (t) => {
  const statement = 'It does {instruction}. True?';
  for (const frames of ['images', 'pairs'] as const) {
    const { prompt, side_multiple, ...common } = VALID;
    const profile = frames === 'pairs' ? { ...common, frames, statement } : { ...VALID, statement };
    const family = await readFamily(await fileWith(t, profile));
    t.equal(family.statement?.('open $& {instruction}'), 'It does open $& {instruction}. True?', frames);
  }
  t.equal((await readFamily('qwen3-vl')).statement, undefined);
  const molmo = await readFamily('molmo2');
  t.match(molmo.statement?.('Go.'), /with all the motion: Go\.\n Decide whether .* The answer is:$/);
  t.equal(molmo.verified, false);
});

t.test('a wrong profile is refused in one line that names the file and the member', async (t) => {
  const { prompt } = VALID;
  const { turn_end: _, ...unfinished } = prompt;
  const { prompt: _prompt, side_multiple: _multiple, ...pairs } = { ...VALID, frames: 'pairs' };
  const cases: [unknown, RegExp][] = [
    ['{', /is not JSON\.$/],
    ['[]', /is not a profile: /],
    [{ ...VALID, format: 2 }, /\/format must be one of 1/],
    [{ ...VALID, name: 'Mine!' }, /\/name /],
    [{ ...VALID, frames: 'videos' }, /\/frames must be/],
    [{ ...VALID, prompt: unfinished }, /\/prompt must have `turn_end`/],
    [{ ...VALID, prompt: { ...prompt, time: 'at' } }, /\/prompt\/time /],
    [{ ...VALID, prompt: { ...prompt, tume: '' } }, /\/prompt\/tume is not known; did you mean `time`/],
    [{ ...VALID, prompt: { ...prompt, image: '<im></im>' } }, /\/prompt\/image must have <pad>/],
    ...(['opening', 'opening_before_text', 'time', 'turn_end'] as const).map((name): [unknown, RegExp] => [
      { ...VALID, prompt: { ...prompt, [name]: '{time} <pad>' } },
      new RegExp(`/prompt/${name} must not have <pad>`),
    ]),
    [{ ...VALID, side_multiple: 0 }, /\/side_multiple /],
    [{ ...VALID, side_multiple: 64 }, /\/side_multiple /],
    [{ ...VALID, frame_sizes: ['large'] }, /\/frame_sizes\/0 /],
    [{ ...VALID, frame_sizes: [] }, /\/frame_sizes /],
    [{ ...VALID, frame_sizes: ['native'] }, /\/frame_sizes must have `reference`/],
    [{ ...VALID, prompt: { ...prompt, image_token: 'pad' } }, /\/prompt\/image_token /],
    [{ ...VALID, statement: '{instruction} <pad>' }, /\/statement must not have <pad>/],
    [{ ...VALID, name: 'qwen3-vl' }, /has the name of a profile of the service, qwen3-vl/],
    [{ ...VALID, statement: 'Is it done?' }, /\/statement /],
    [{ ...VALID, frames: 'pairs' }, /\/prompt is not known/],
    [{ ...pairs, statement: '{instruction} <|video_pad|>' }, /\/statement must not have <\|video_pad\|>/],
    [`${JSON.stringify(VALID)}${' '.repeat(70_000)}`, /is longer than/],
  ];
  for (const [content, message] of cases) {
    const file = await fileWith(t, content);
    const error = await readFamily(file).then(
      () => '',
      (fault: Error) => fault.message,
    );
    t.match(error, message);
    t.ok(error.startsWith(`MODEL_PROFILE: ${file} `) && !error.includes('\n'), error);
  }
});

t.test('an unknown name is refused with the known ones, and with the one that was meant', async (t) => {
  await t.rejects(readFamily('qwen2.5vl'), {
    message: /^MODEL_PROFILE=qwen2\.5vl is not a profile\. Did you mean qwen2\.5-vl\?/,
  });
  await t.rejects(readFamily('../../package'), { message: /is not a profile\. Use internvl, molmo2, / });
  await t.rejects(readFamily('/nowhere/mine.json'), {
    message: 'MODEL_PROFILE: /nowhere/mine.json cannot be read (ENOENT).',
  });
});
