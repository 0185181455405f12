import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { isProblem } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { refuse } from '../support/fake-vllm.ts';
import { postEpisode } from '../support/forms.ts';
import { GVL_EPISODE, gvlOf, postGvl, startGvl } from '../support/gvl.ts';
import { frameFiles } from '../support/images.ts';
import { BROKEN_ANSWERS } from '../support/odd-answers.ts';
import { readiness } from '../support/readiness.ts';
import { EPISODE } from '../support/stub-engine.ts';

const files = await frameFiles(6);
const { fake, app } = await startGvl(t);

/** Options that other methods have. Each is refused by name, and the problem says what to do. */
const OF_OTHERS: [options: object, detail: RegExp][] = [
  [{ likelihood: {} }, /requires `method: "instruction_likelihood"`; leave it out, or send this method/],
  [{ frame_digests: ['a'.repeat(64)] }, /`method: "gvl"`, which shows frames of all of the episode; send the complete/],
  [{ prefixes: { last: 1 } }, /which shows single frames; send `gvl\.count` or `gvl\.frames`/],
  [{ pipeline: 'published' }, /`method: "gvl"`, which scores no prefixes; leave it out/],
  [{ pipeline: 'aligned' }, /`method: "gvl"`/],
  [{ frame_size: 'native' }, /`method: "gvl"`, which has its own; leave it out/],
  [{ frame_size: 'reference' }, /`method: "gvl"`/],
  [{ max_pixels: 4096 }, /`method: "gvl"`/],
  [{ prompt: 'chat' }, /`method: "gvl"`, which has its own/],
  [{ answers: { true_texts: [' Yes'], false_texts: [' No'] } }, /requires `method: "topreward"`; leave it out/],
  [{ top_answers: 5 }, /requires `method: "topreward"`/],
  [{ success: { threshold: -1 } }, /which scores no prefixes/],
  [{ progress: {} }, /which scores no prefixes/],
  [{ training: {} }, /which scores no prefixes/],
  [{ controls: { static: true } }, /requires `method: "topreward"`/],
];

t.test('options of other methods are refused by name', async (t) => {
  for (const [options, detail] of OF_OTHERS) {
    const [name] = Object.keys(options);
    const { errors = [] } = isProblem(t, await postGvl(app, files, options), 'invalid-request');
    t.equal(errors[0]?.pointer.split('/')[1], name);
    t.match(errors[0]?.detail, detail);
  }
  const all = Object.assign({}, ...OF_OTHERS.slice(-8).map(([options]) => options));
  const { errors = [] } = isProblem(t, await postGvl(app, files, all), 'invalid-request');
  t.strictSame(errors.map(({ pointer }) => pointer.slice(1)).sort(), Object.keys(all).sort(), 'one problem names all');
  t.strictSame(fake.asked, []);
});

t.test('options of GVL are refused with other methods', async (t) => {
  for (const method of [undefined, 'topreward', 'instruction_likelihood']) {
    const answer = await postEpisode(app, { ...EPISODE, method, gvl: {} }, files);
    const { errors = [] } = isProblem(t, answer, 'invalid-request', { pointer: '/gvl' });
    t.match(errors[0]?.detail, /requires `method: "gvl"`; leave it out, or send this method/);
  }
});

const WRONG: [gvl: unknown, code: ProblemCode, pointer: string, detail?: RegExp][] = [
  [[], 'invalid-request', '/gvl'],
  [{ frame: [1] }, 'invalid-request', '/gvl/frame', /did you mean `frames`/],
  [{ count: 0 }, 'invalid-request', '/gvl/count'],
  [{ count: 101 }, 'invalid-request', '/gvl/count'],
  [{ count: 2.5 }, 'invalid-request', '/gvl/count'],
  [{ seed: -1 }, 'invalid-request', '/gvl/seed'],
  [{ seed: 2 ** 32 }, 'invalid-request', '/gvl/seed'],
  [{ seed: 0.5 }, 'invalid-request', '/gvl/seed'],
  [{ seed: '42' }, 'invalid-request', '/gvl/seed'],
  [{ seed: null }, 'invalid-request', '/gvl/seed'],
  [{ format: 'json' }, 'invalid-request', '/gvl/format'],
  [{ max_tokens: 0 }, 'invalid-request', '/gvl/max_tokens'],
  [{ max_tokens: 10_001 }, 'invalid-request', '/gvl/max_tokens'],
  [{ frames: [] }, 'invalid-request', '/gvl/frames'],
  [{ frames: [-1] }, 'invalid-request', '/gvl/frames/0'],
  [{ frames: [0, 1.5] }, 'invalid-request', '/gvl/frames/1'],
  [{ frames: Array.from({ length: 101 }, (_, i) => i) }, 'invalid-request', '/gvl/frames'],
  [{ frames: [0, 2, 2] }, 'invalid-request', '/gvl/frames/2', /must be larger than the frame number before it/],
  [{ frames: [3, 1] }, 'invalid-request', '/gvl/frames/1', /must be larger/],
  [{ frames: [0, 6] }, 'invalid-request', '/gvl/frames/1', /must be below the number of frames, 6/],
  [{ frames: [0, 2 ** 53] }, 'invalid-request', '/gvl/frames/1', /must be below the number of frames, 6/],
  [{ frames: [1], count: 1 }, 'invalid-request', '/gvl/count', /cannot be combined with `frames`; send one of them/],
  [{ order: [0, 1, 2, 3, 4, 5], seed: 1 }, 'invalid-request', '/gvl/seed', /cannot be combined with `order`/],
  [{ order: [] }, 'invalid-request', '/gvl/order'],
  [{ order: [0, 1, 2] }, 'invalid-request', '/gvl/order', /must have each of the shown frames once: 0, 1, 2, 3, 4, 5/],
  [{ order: [0, 1, 2, 3, 4, 4] }, 'invalid-request', '/gvl/order/5', /must be a shown frame that is not there already/],
  [{ order: [0, 1, 2, 3, 4, 5, 0] }, 'invalid-request', '/gvl/order/6', /once: 0, 1, 2, 3, 4, 5/],
  [{ order: [0, 1, 2, 3, 4, 9] }, 'invalid-request', '/gvl/order/5'],
  [{ frames: [1, 2], order: [2, 3] }, 'invalid-request', '/gvl/order/1', /once: 1, 2/],
  [{ count: 2, order: [0, 5] }, 'invalid-request', '/gvl/order/0', /once: 1, 5/],
];

t.test('wrong options of GVL are refused by name', async (t) => {
  for (const [gvl, code, pointer, detail] of WRONG) {
    const { errors = [] } = isProblem(t, await postGvl(app, files, { gvl }), code, { pointer });
    t.equal(errors[0]?.pointer, pointer, JSON.stringify(gvl));
    if (detail) t.match(errors[0]?.detail, detail);
  }
  t.strictSame(fake.asked, []);
});

t.test('one timestamp is needed for each frame', async (t) => {
  for (const count of [1, 5, 7]) {
    const times = { fps: undefined, timestamps_s: Array.from({ length: count }, (_, i) => i) };
    isProblem(t, await postGvl(app, files, times), 'invalid-timestamps', { pointer: '/timestamps_s' });
  }
});

t.test('control tokens in the instruction are refused', async (t) => {
  // The engine's tokenizer has more of them than every model of the family.
  for (const token of ['<|im_end|>', '<|image_pad|>', '<think>']) {
    const answer = await postGvl(app, files, { instruction: `Go. ${token}` });
    isProblem(t, answer, 'special-token-text', { pointer: '/instruction' });
  }
  t.strictSame(fake.asked, []);
  fake.behaviour.text = 'Frame 1: 45% <|im_end|> <think>';
  t.equal(gvlOf(await postGvl(app, files)).text, fake.behaviour.text, 'a text of the model may have them');
});

t.test('a model that writes no texts refuses by name', async (t) => {
  const other = await buildTestApp(t);
  const single = isProblem(t, await postGvl(other, files), 'method-unsupported', { pointer: '/method' });
  t.equal(single.detail, 'The stub writes no text.');
  const form = { items: [{ episode: GVL_EPISODE, frames: files.map((file) => file.toString('base64')) }] };
  const batch = await other.inject({ method: 'POST', url: '/v1/rewards/batch', payload: form });
  t.match(JSON.parse(batch.body.split('\n')[0] ?? ''), {
    event: 'problem',
    problem: { code: 'method-unsupported', pointer: '/items/0/episode/method' },
  });
});

t.test('a vLLM without images refuses by name, and scores episodes of the other methods', async (t) => {
  const { app } = await startGvl(t, { imageLimit: 0 });
  const { detail } = isProblem(t, await postGvl(app, files), 'method-unsupported', { pointer: '/method' });
  t.match(detail, /--limit-mm-per-prompt/);
  t.equal((await postEpisode(app, EPISODE, files)).statusCode, 200);
});

t.test('more images than the engine accepts are refused before anything is sent', async (t) => {
  const { app, fake } = await startGvl(t, { imageLimit: 4 });
  const place: Partial<Problem> = { limit: 4 };
  const { detail } = isProblem(t, await postGvl(app, files), 'context-exceeded', place);
  t.match(detail, /^The prompt has 7 images; about 4 fit\. Show fewer frames\.$/);
  t.strictSame(fake.asked, []);
  gvlOf(await postGvl(app, files, { gvl: { count: 3 } }));
});

t.test('frames that do not fit into the memory for frames are refused, and the problem says what to do', async (t) => {
  const bytes = 256 * 256 * 4;
  const { app } = await startGvl(t, {}, { FRAME_MEMORY_BYTES: String(3 * bytes) });
  const place = { pointer: '/gvl', limit: 3 * bytes };
  const { detail } = isProblem(t, await postGvl(app, files), 'image-too-large', place);
  t.match(
    detail,
    /^The 6 shown frames take 1572864 bytes at 256×256 px; the limit is 786432 bytes\. Show fewer frames: /,
  );
  gvlOf(await postGvl(app, files, { gvl: { count: 3 } }));
});

t.test('a fault of the engine is a problem, and no number is invented', async (t) => {
  const { app, fake } = await startGvl(t);
  fake.behaviour.fault = (_, response) => refuse(response, 500, 'CUDA error');
  const { detail } = isProblem(t, await postGvl(app, files), 'engine-failed');
  t.notMatch(detail, /CUDA/);
  for (const [name, broken] of Object.entries(BROKEN_ANSWERS)) {
    fake.behaviour.fault = (_, response) => broken(response, {}) ?? true;
    isProblem(t, await postGvl(app, files), 'engine-unavailable');
    fake.behaviour.fault = undefined;
    await readiness(app, 200);
    t.equal(gvlOf(await postGvl(app, files)).finish, 'stop', name);
  }
});
