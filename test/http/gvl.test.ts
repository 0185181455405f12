import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import t from 'tap';
import { WARNINGS } from '../../src/problems/warnings.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, npyPart, postParts } from '../support/forms.ts';
import { GVL_EPISODE, gvlOf, postGvl, shownPixels, startGvl, writtenCurve, writtenText } from '../support/gvl.ts';
import { GVL_NUMBERS } from '../support/gvl-numbers.ts';
import { episodePixels, frameFile, frameFiles, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { INSTRUCTION } from '../support/stub-engine.ts';
import { testPattern } from '../support/test-pattern.ts';
import { LOSSLESS, makeVideo, numberShown } from '../support/videos.ts';

const needs = needing('ffmpeg');
const files = await frameFiles(30);
const { fake, app } = await startGvl(t, {}, { PATH: process.env['PATH'] ?? '' });

/** Lets the model write this text, and forgets what it was asked. */
function willWrite(text: string): void {
  fake.behaviour.text = text;
  fake.asked.length = 0;
}

/** numpy.random.default_rng(seed).permutation(count), as numpy computed it. */
function numpyOrder(seed: number, count: number): number[] {
  const known = GVL_NUMBERS.permutations.find((each) => each.seed === seed && each.count === count);
  if (!known) throw new Error(`There is no order for seed ${seed} and ${count} frames.`);
  return known.order;
}

/** numpy.linspace(1, frames − 1, count, dtype=int), as numpy computed it. */
function numpyFrames(frames: number, count: number): number[] {
  const known = GVL_NUMBERS.even_frames.find((each) => each.frames === frames && each.count === count);
  if (!known) throw new Error(`There are no frames for ${count} of ${frames}.`);
  return known.selected;
}

const even15 = numpyFrames(30, 15);
const order15 = numpyOrder(42, 15).map((place) => even15[place] ?? Number.NaN);

/** The text of the authors' prompt up to the frames, without frames of examples. */
const PROMPT = `<|im_start|>user
You are an expert roboticist tasked to predict task completion percentages for frames of a robot for the task of ${INSTRUCTION}.
The task completion percentages are between 0 and 100, where 100 corresponds to full task completion.
We provide several examples of the robot performing the task at various stages and their corresponding task completion percentages.
Note that the frames may be in random order, so please pay attention to the individual frames when reasoning about task completion percentage.
Initial robot scene:<|vision_start|><|image_pad|><|vision_end|>In the initial robot scene, the task completion percentage is 0%.Now, for the task of ${INSTRUCTION}, output the task completion percentage for the following frames that are presented in random order. For each frame, format your response as follow: Frame {i}: Task Completion Percentages:{}%Be rigorous and precise; percentage reflects task completion.Remember: frames are in random order.`;

const END = '<|im_end|>\n<|im_start|>assistant\n';
const image = '<|vision_start|><|image_pad|><|vision_end|>';

t.test('a result has the frames in the order of time, and everything that it was made from', async (t) => {
  // Percentages that rise with time, except that the last two are exchanged.
  const curve = (frame: number) => (frame === 29 ? 90 : frame === even15[13] ? 95 : frame);
  const text = writtenCurve(order15, curve);
  willWrite(text);
  const answer = await postGvl(app, files, { id: 'é 7' });
  const { usage, ...result } = gvlOf(answer);
  const { service: _, engine, model, profile, about, ...provenance } = result.provenance;
  t.strictSame([engine, model, about], [{ name: 'vllm', version: '0.32.0' }, 'fake', null]);
  t.strictSame(profile, { name: 'qwen3-vl', verified: true });
  t.strictSame(
    { ...result, provenance },
    {
      method: 'gvl',
      id: 'é 7',
      frames: even15.map((frame) => ({
        frame,
        time_s: frame / 2,
        shown_as: order15.indexOf(frame) + 1,
        percentage: curve(frame),
        missing: null,
      })),
      complete: true,
      // Spearman: 1 − 6·(1 + 1) / (15·(15² − 1))
      voc: 1 - 12 / (15 * 224),
      text,
      finish: 'stop',
      provenance: {
        prompt: { text: `${PROMPT}${order15.map((_, i) => `Frame ${i + 1}:${image}`).join('')}${END}` },
        format: 'text',
        max_tokens: 1024,
        seed: 42,
        order: order15,
        initial_frame: 1,
        frame_size: {
          source: { width: WIDTH, height: HEIGHT },
          sent: { width: 256, height: 256 },
          resampling: 'gvl',
        },
      },
      warnings: [],
    },
  );
  const [asked, ...more] = fake.asked;
  t.strictSame(more, [], 'one request');
  t.strictSame(asked?.written, { maxTokens: 1024, format: undefined, temperature: 0, generationPrompt: true });
  const shown = asked?.turn.map((part) => (typeof part === 'string' ? part : image)).join('');
  t.equal(`<|im_start|>user\n${shown}${END}`, result.provenance.prompt.text, 'the prompt is the one that was sent');
  t.strictSame(Object.keys(usage).sort(), [
    'cached_tokens',
    'decoding_ms',
    'engine_bytes',
    'engine_ms',
    'engine_requests',
    'engine_resends',
    'generated_tokens',
    'prompt_tokens',
    'queued_ms',
  ]);
  t.match(usage, {
    engine_requests: 1,
    engine_resends: 0,
    engine_bytes: asked?.bytes,
    generated_tokens: text.length,
    cached_tokens: 0,
  });
  const again = gvlOf(await postGvl(app, files, { id: 'é 7' }));
  t.equal(again.usage.cached_tokens, again.usage.prompt_tokens - 1);
  t.strictSame({ ...again, usage }, { ...result, usage }, 'the same request has the same result');
});

t.test(
  'the pixels that reach the engine are those of the authors’ processor, in the order of the prompt',
  async (t) => {
    for (const { source, sha256 } of GVL_NUMBERS.pixels) {
      const [width, height] = source;
      if (width * height < 64) continue;
      const raw = { width, height, channels: 3 as const };
      const pattern = await sharp(testPattern(width, height), { raw }).png().toBuffer();
      const other = await frameFile('png', { width, height, seed: 5 });
      gvlOf(await postGvl(app, [other, pattern, other], { gvl: { order: [1, 2, 0] } }));
      const pixels = await shownPixels(fake.asked.at(-1) ?? fail());
      const digests = pixels.map((each) => createHash('sha256').update(each).digest('hex'));
      t.equal(digests[1], sha256, `${source.join('×')}: frame 1 is the first after the initial scene`);
      t.strictSame(
        digests.map((digest) => digest === sha256),
        [false, true, false, false],
      );
      t.equal(digests[0], digests[2]);
      t.equal(digests[0], digests[3], 'frame 0 is the initial scene and the last frame');
    }
  },
);

function fail(): never {
  throw new Error('The engine was not asked.');
}

t.test('the order for a seed is that of numpy', async (t) => {
  for (const seed of [0, 1, 43, 61, 2 ** 31, 2 ** 32 - 1]) {
    const { provenance } = gvlOf(await postGvl(app, files, { gvl: { seed } }));
    const expected = numpyOrder(seed, 15).map((place) => even15[place]);
    t.strictSame([provenance.seed, provenance.order], [seed, expected]);
  }
  const { provenance } = gvlOf(await postGvl(app, files, { gvl: { count: 100, seed: 47 } }));
  t.strictSame(
    [...provenance.order].sort((a, b) => a - b),
    files.map((_, i) => i),
  );
});

const CHOSEN: [name: string, frames: number, gvl: object, order: number[]][] = [
  ['3 frames', 30, { count: 3 }, numpyOrder(42, 3).map((place) => numpyFrames(30, 3)[place] ?? Number.NaN)],
  ['1 frame', 30, { count: 1 }, [1]],
  ['as many frames as there are', 15, {}, numpyOrder(42, 15)],
  ['more frames than there are', 3, { count: 100 }, numpyOrder(42, 3)],
  ['an episode of one frame', 1, {}, [0]],
  ['an episode of two frames', 2, { seed: 0 }, numpyOrder(0, 2)],
  [
    'frames that the request gives',
    30,
    { frames: [0, 7, 29], seed: 0 },
    numpyOrder(0, 3).map((i) => [0, 7, 29][i] ?? Number.NaN),
  ],
  ['one frame that the request gives', 30, { frames: [29] }, [29]],
  ['an order', 30, { count: 3, order: [29, 1, 15] }, [29, 1, 15]],
  ['frames and their order', 30, { frames: [3, 4, 5], order: [5, 3, 4] }, [5, 3, 4]],
  ['the order of time', 4, { order: [0, 1, 2, 3] }, [0, 1, 2, 3]],
];

t.test('the request chooses frames and their order', async (t) => {
  for (const [name, count, gvl, order] of CHOSEN) {
    const rising = [...order].sort((a, b) => a - b);
    willWrite(writtenCurve(order, (frame) => frame + 1));
    const result = gvlOf(await postGvl(app, files.slice(0, count), { gvl }));
    const { order: told, initial_frame, seed } = result.provenance;
    t.strictSame(told, order, name);
    t.equal(initial_frame, rising[0], `${name}: the initial scene`);
    t.equal(seed, 'order' in gvl ? null : 'seed' in gvl ? gvl.seed : 42, `${name}: the seed`);
    t.strictSame(
      result.frames.map(({ frame, shown_as, percentage }) => [frame, shown_as, percentage]),
      rising.map((frame) => [frame, order.indexOf(frame) + 1, frame + 1]),
      name,
    );
    t.equal(result.voc, order.length === 1 ? null : 1, `${name}: VOC`);
    t.equal(result.complete, true);
    t.equal(fake.asked[0]?.images.length, order.length + 1);
  }
});

t.test('times are those of the frames, from the first one', async (t) => {
  const timestamps_s = [100, 100.5, 102, 109];
  const { frames } = gvlOf(
    await postGvl(app, files.slice(0, 4), { fps: undefined, timestamps_s, gvl: { frames: [1, 3] } }),
  );
  t.strictSame(
    frames.map(({ time_s }) => time_s),
    [0.5, 9],
  );
});

t.test('a NumPy file has the same result as the same frames in PNG', async (t) => {
  willWrite(writtenText([1, 2, 3, 4, 5]));
  const { usage: _, ...asPng } = gvlOf(await postGvl(app, files.slice(0, 5)));
  const npy = npyFile(episodePixels(5), { shape: [5, HEIGHT, WIDTH, 3] });
  const { usage: __, ...asNpy } = gvlOf(await postParts(app, [episodePart(GVL_EPISODE), npyPart(npy)]));
  t.strictSame(asNpy, asPng);
  const [png, raw] = await Promise.all(fake.asked.map(shownPixels));
  t.ok(png?.length === 6 && png.every((pixels, i) => pixels.equals(raw?.[i] ?? fail())), 'the same pixels');
});

t.test('a part of a video is an episode with times of its own', needs, async (t) => {
  willWrite(writtenText([1, 2, 3]));
  const content = readFileSync(makeVideo(t, { type: 'mp4', args: LOSSLESS, count: 40 }));
  const episode = { instruction: INSTRUCTION, method: 'gvl', from_s: 1, to_s: 3, gvl: { frames: [0, 5, 19] } };
  const video = { name: 'video', content, filename: 'episode.mp4' };
  const { frames, provenance } = gvlOf(await postParts(app, [episodePart(episode), video]));
  t.strictSame(
    frames.map(({ frame, time_s }) => [frame, time_s]),
    [
      [0, 0],
      [5, 0.5],
      [19, 1.9],
    ],
  );
  t.equal(provenance.video?.timestamps_s.length, 20);
  const pixels = await shownPixels(fake.asked[0] ?? fail());
  const numbers = pixels.map((each) => numberShown(each, { width: 256, height: 256 }));
  t.strictSame(
    numbers,
    [0, ...provenance.order].map((frame) => 10 + frame),
    'the frames of the video that were shown',
  );
});

t.test('a response in lines has only the result, however the model writes', async (t) => {
  const text = `Frame 1: 45%\u2028Frame 2: 5%\u2029\u0085\r\n\0"\\\ud83e\udd16 \ud83d`;
  willWrite(text);
  const form = [episodePart(GVL_EPISODE), ...files.slice(0, 2).map(framePart)];
  const { body, statusCode, headers } = await postParts(app, form, { accept: 'application/x-ndjson' });
  t.equal(statusCode, 200);
  t.equal(headers['content-type'], 'application/x-ndjson');
  t.notMatch(body, /[\u0085\u2028\u2029]/);
  const lines = body.split('\n');
  t.equal(lines.length, 2);
  t.equal(lines[1], '');
  const { event, result } = JSON.parse(lines[0] ?? '');
  t.equal(event, 'result');
  const alone = gvlOf(await postParts(app, form));
  t.strictSame({ ...result, usage: 0 }, { ...alone, usage: 0 });
  t.equal(alone.text, text);
});

t.test('token ids of the prompt are returned if they are requested', async (t) => {
  const { provenance, usage } = gvlOf(await postGvl(app, files.slice(0, 3), { include_token_ids: true }));
  t.equal(provenance.prompt.token_ids?.length, usage.prompt_tokens);
  t.ok(usage.prompt_tokens > 4 * 66);
  t.notOk('token_ids' in gvlOf(await postGvl(app, files.slice(0, 3))).provenance.prompt);
});

t.test('an undefined VOC is null, or 0 if the request wants it', async (t) => {
  for (const text of [writtenText([50, 50, 50]), writtenText([50]), 'I cannot see any frames.']) {
    willWrite(text);
    t.equal(gvlOf(await postGvl(app, files.slice(0, 3))).voc, null, text);
    t.equal(gvlOf(await postGvl(app, files.slice(0, 3), { undefined_voc: 'missing' })).voc, null, text);
    t.equal(gvlOf(await postGvl(app, files.slice(0, 3), { undefined_voc: 'zero' })).voc, 0, text);
  }
  willWrite(writtenText([10, 20, 30]));
  t.equal(gvlOf(await postGvl(app, files.slice(0, 3), { gvl: { order: [2, 1, 0] }, undefined_voc: 'zero' })).voc, -1);
});

/** An order that is easy to read: Frame 1 is frame 0. */
const IN_TIME = { order: [0, 1, 2, 3] };

t.test('a frame without a percentage says why, and nothing is filled in', async (t) => {
  willWrite('Frame 1: 10%\nFrame 2: the arm moves.\nFrame 3: 130%');
  const result = gvlOf(await postGvl(app, files.slice(0, 4), { gvl: IN_TIME }));
  t.strictSame(
    result.frames.map(({ percentage, missing }) => [percentage, missing]),
    [
      [10, null],
      [null, 'no-number'],
      [null, 'out-of-range'],
      [null, 'not-mentioned'],
    ],
  );
  t.equal(result.complete, false);
  t.equal(result.finish, 'stop');
  t.strictSame(result.warnings, [
    {
      code: 'frames-without-percentage',
      message: '3 of 4 frames have no percentage. `missing` says why, and `voc` is that of the others.',
    },
  ]);
});

t.test('VOC is that of the frames that have a percentage', async (t) => {
  willWrite('Frame 4: 80%, Frame 2: 90%, Frame 1: 10%');
  // Of frames 0, 1 and 3: ranks 1, 3, 2.
  const { voc, complete } = gvlOf(await postGvl(app, files.slice(0, 4), { gvl: IN_TIME }));
  t.strictSame([voc, complete], [0.5, false]);
});

t.test('repeated frames and frames that were not shown are warnings', async (t) => {
  willWrite(`${writtenText([10, 20, 30, 40])}\nFrame 2: 25%\nFrame 3: 30%\nFrame 7: 70%\nFrame 0: 5%`);
  const { warnings, complete, frames } = gvlOf(await postGvl(app, files.slice(0, 4), { gvl: IN_TIME }));
  t.equal(complete, true);
  t.strictSame(
    frames.map(({ percentage }) => percentage),
    [10, 20, 30, 40],
  );
  t.strictSame(warnings, [
    {
      code: 'several-percentages',
      message:
        'The model wrote different percentages for the same frame; the first one counts. Frames of the prompt: 2.',
    },
    { code: 'unknown-frames', message: 'The model wrote about frames that it was not shown: 0, 7.' },
  ]);
  t.ok(warnings.every(({ code }) => code in WARNINGS));
  willWrite(Array.from({ length: 60 }, (_, i) => `Frame ${i + 100}: 1%`).join(' '));
  const many = gvlOf(await postGvl(app, files.slice(0, 4))).warnings.find(({ code }) => code === 'unknown-frames');
  t.match(many?.message, /: 100, 101, .*, 119 and 40 more\.$/);
});

t.test('warnings of the frames come with those of the text', async (t) => {
  willWrite('no');
  const file = await sharp({ create: { width: 9, height: 9, channels: 4, background: '#12345678' } })
    .png()
    .toBuffer();
  const { warnings } = gvlOf(await postGvl(app, [file]));
  t.strictSame(
    warnings.map(({ code }) => code),
    ['alpha-dropped', 'frames-without-percentage'],
  );
});

t.test('a text that is cut off is known as one', async (t) => {
  const whole = writtenText([10, 20, 30, 100]);
  willWrite(whole);
  const cut = async (max_tokens: number) => {
    const result = gvlOf(await postGvl(app, files.slice(0, 4), { gvl: { ...IN_TIME, max_tokens } }));
    t.equal(result.text, whole.slice(0, max_tokens));
    t.equal(result.finish, max_tokens < whole.length ? 'length' : 'stop');
    t.equal(result.provenance.max_tokens, max_tokens);
    t.equal(result.usage.generated_tokens, Math.min(max_tokens, whole.length));
    return result;
  };
  const { frames, complete, warnings } = await cut(whole.indexOf('\nFrame 3'));
  t.strictSame(
    frames.map(({ percentage, missing }) => percentage ?? missing),
    [10, 20, 'cut-off', 'cut-off'],
  );
  t.equal(complete, false);
  t.match(warnings, [
    { code: 'frames-without-percentage', message: /The text was cut off: raise `gvl\.max_tokens`\.$/ },
  ]);
  const last = (await cut(whole.length - 1)).frames.map(({ percentage, missing }) => percentage ?? missing);
  t.strictSame(last, [10, 20, 30, 'cut-off'], '100 without its percent sign');
  t.equal((await cut(whole.length)).complete, true);
});

t.test('a structured text is JSON', async (t) => {
  willWrite('{"1": 10, "2": 20, "3": 0, "4": 100}');
  const gvl = { ...IN_TIME, format: 'structured' };
  const result = gvlOf(await postGvl(app, files.slice(0, 4), { gvl }));
  t.strictSame(
    result.frames.map(({ percentage }) => percentage),
    [10, 20, 0, 100],
  );
  t.match(result, { complete: true, provenance: { format: 'structured' }, warnings: [], finish: 'stop' });
  const asked = fake.asked[0] ?? fail();
  const properties = Object.fromEntries(
    ['1', '2', '3', '4'].map((name) => [name, { type: 'integer', minimum: 0, maximum: 100 }]),
  );
  const schema = { type: 'object', properties, required: ['1', '2', '3', '4'], additionalProperties: false };
  t.strictSame(asked.written?.format, { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } });
  t.match(asked.turn.at(-1), /^Answer in JSON: /);
  t.ok(result.provenance.prompt.text.includes(`${asked.turn.at(-1)}${END}`), 'the sentence is in the provenance');

  const readings: Record<string, (number | string)[]> = {
    'Frame 1: 10%': ['not-json', 'not-json', 'not-json', 'not-json'],
    '{"1": 10, "2": 20': ['not-json', 'not-json', 'not-json', 'not-json'],
    '{"1": 101, "2": "20", "4": -1}': ['out-of-range', 'no-number', 'not-mentioned', 'out-of-range'],
  };
  for (const [text, expected] of Object.entries(readings)) {
    willWrite(text);
    const { frames, complete, warnings, voc } = gvlOf(await postGvl(app, files.slice(0, 4), { gvl }));
    t.strictSame(
      frames.map(({ percentage, missing }) => percentage ?? missing),
      expected,
      text,
    );
    t.match(
      { complete, voc, warnings },
      { complete: false, voc: null, warnings: [{ code: 'frames-without-percentage' }] },
    );
  }
  willWrite('{"1":10,"2":20,"3":30,"4":40}');
  const cut = gvlOf(await postGvl(app, files.slice(0, 4), { gvl: { ...gvl, max_tokens: 20 } }));
  t.match(cut, { finish: 'length', warnings: [{ message: /raise `gvl\.max_tokens`/ }] });
  t.ok(cut.frames.every(({ missing }) => missing === 'not-json'));
});

t.test('the metrics count the cost of an episode', async (t) => {
  const counted = async () => {
    const { body } = await app.inject('/metrics');
    const read = (name: string) => Number(new RegExp(`^topreward_engine_${name}_total (\\d+)`, 'm').exec(body)?.[1]);
    return ['requests', 'prompt_tokens', 'cached_tokens', 'generated_tokens', 'bytes'].map(read);
  };
  const before = await counted();
  const { usage } = gvlOf(await postGvl(app, files.slice(0, 7)));
  const { engine_requests, prompt_tokens, cached_tokens, generated_tokens, engine_bytes } = usage;
  t.ok(generated_tokens > 0);
  const after = await counted();
  t.strictSame(
    after.map((count, i) => count - (before[i] ?? Number.NaN)),
    [engine_requests, prompt_tokens, cached_tokens, generated_tokens, engine_bytes],
  );
});

t.test('GET /v1/model lists the method if the engine writes texts', async (t) => {
  t.strictSame((await app.inject('/v1/model')).json().methods, ['topreward', 'instruction_likelihood', 'gvl']);
  const stub = await buildTestApp(t);
  t.strictSame((await stub.inject('/v1/model')).json().methods, ['topreward', 'instruction_likelihood']);
});
