import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, postEpisode, postParts } from '../support/forms.ts';
import { frameFile, frameFiles } from '../support/images.ts';
import { EPISODE, INSTRUCTION, stubEngine } from '../support/stub-engine.ts';

const app = await buildTestApp(t);
const instruction = INSTRUCTION;

const REFUSED: [what: string, episode: unknown, code: ProblemCode, place: Partial<Problem>][] = [
  ['no instruction', { fps: 2 }, 'missing-instruction', { pointer: '/instruction' }],
  ['an empty instruction', { instruction: '', fps: 2 }, 'missing-instruction', { pointer: '/instruction' }],
  ['a blank instruction', { instruction: ' \n\t', fps: 2 }, 'missing-instruction', { pointer: '/instruction' }],
  ['a number for an instruction', { instruction: 7, fps: 2 }, 'invalid-request', { pointer: '/instruction' }],
  ['an episode encoded twice', JSON.stringify({ instruction, fps: 2 }), 'invalid-request', { pointer: '' }],
  ['a list for an episode', [{ instruction, fps: 2 }], 'invalid-request', { pointer: '' }],
  ['an unpaired surrogate', { instruction: 'Open \ud800', fps: 2 }, 'invalid-request', { pointer: '/instruction' }],
  ['null for an instruction', { instruction: null, fps: 2 }, 'invalid-request', { pointer: '/instruction' }],
  [
    'an instruction that is too long',
    { instruction: 'a'.repeat(4001), fps: 2 },
    'invalid-request',
    { pointer: '/instruction' },
  ],
  ['neither fps nor timestamps', { instruction }, 'missing-clock', { pointer: '/fps' }],
  [
    'both fps and timestamps',
    { instruction, fps: 2, timestamps_s: [0] },
    'ambiguous-clock',
    { pointer: '/timestamps_s' },
  ],
  ['fps 0', { instruction, fps: 0 }, 'invalid-request', { pointer: '/fps' }],
  ['negative fps', { instruction, fps: -10 }, 'invalid-request', { pointer: '/fps' }],
  ['fps as a string', { instruction, fps: '10' }, 'invalid-request', { pointer: '/fps' }],
  ['fps "NaN"', { instruction, fps: 'NaN' }, 'invalid-request', { pointer: '/fps' }],
  ['fps null', { instruction, fps: null }, 'invalid-request', { pointer: '/fps' }],
  ['fps that is too high', { instruction, fps: 10_001 }, 'invalid-request', { pointer: '/fps' }],
  [
    'a single time instead of a list',
    { instruction, timestamps_s: 0 },
    'invalid-request',
    { pointer: '/timestamps_s' },
  ],
  ['a time as a string', { instruction, timestamps_s: [0, '1', 2] }, 'invalid-request', { pointer: '/timestamps_s/1' }],
  ['a missing time', { instruction, timestamps_s: [0, null, 2] }, 'invalid-request', { pointer: '/timestamps_s/1' }],
  [
    'falling times',
    { instruction, timestamps_s: [0, 2, 1] },
    'invalid-timestamps',
    { pointer: '/timestamps_s/2', frame: 2 },
  ],
  [
    'equal times',
    { instruction, timestamps_s: [0, 0, 1] },
    'invalid-timestamps',
    { pointer: '/timestamps_s/1', frame: 1 },
  ],
  ['too few times', { instruction, timestamps_s: [0, 1] }, 'invalid-timestamps', { pointer: '/timestamps_s' }],
  ['too many times', { instruction, timestamps_s: [0, 1, 2, 3] }, 'invalid-timestamps', { pointer: '/timestamps_s' }],
  ['no times', { instruction, timestamps_s: [] }, 'invalid-timestamps', { pointer: '/timestamps_s' }],
];

for (const [what, episode, code, place] of REFUSED) {
  t.test(`refused: ${what}`, async (t) => {
    isProblem(t, await postEpisode(app, episode, await frameFiles(3)), code, place);
  });
}

t.test('numbers that floating point cannot represent are refused', async (t) => {
  const frames = (await frameFiles(3)).map(framePart);
  const post = (clock: string) =>
    postParts(app, [{ name: 'episode', content: `{"instruction":"${instruction}",${clock}}` }, ...frames]);
  isProblem(t, await post('"fps":1e999'), 'invalid-request', { pointer: '/fps' });
  isProblem(t, await post('"timestamps_s":[0,1,1e999]'), 'invalid-request', { pointer: '/timestamps_s/2' });
  isProblem(t, await post('"timestamps_s":[0,1,NaN]'), 'malformed-json', { part: 'episode' });
});

t.test('times that are too far apart are refused with 422', async (t) => {
  const frames = await frameFiles(3);
  for (const timestamps_s of [
    [-1e308, 0, 1e308],
    [0, 1, 1e22],
  ]) {
    const answer = await postEpisode(app, { instruction, timestamps_s }, frames);
    t.equal(answer.statusCode, 422, `${timestamps_s}: ${answer.body.slice(0, 200)}`);
  }
  for (const fps of [1e-22, 5e-324]) {
    const answer = await postEpisode(app, { instruction, fps }, frames);
    t.equal(answer.statusCode, 422, `fps ${fps}: ${answer.body.slice(0, 200)}`);
  }
});

t.test('times can start at any value, negative and Unix times included', async (t) => {
  const frames = await frameFiles(3);
  const curves = [];
  for (const start of [0, -7, 1_700_000_000]) {
    const timestamps_s = [start, start + 0.5, start + 1];
    curves.push(resultOf(t, await postEpisode(app, { instruction, timestamps_s }, frames)).prefixes);
  }
  t.strictSame(curves[1], curves[0]);
  t.strictSame(curves[2], curves[0]);
  resultOf(t, await postEpisode(app, { instruction, timestamps_s: [3] }, frames.slice(0, 1)));
});

t.test('evenly spaced timestamps and the same rate as fps produce the same prefixes', async (t) => {
  const frames = await frameFiles(7);
  const timestamps_s = frames.map((_, i) => i / 4);
  const timed = resultOf(t, await postEpisode(app, { instruction, timestamps_s }, frames));
  const rated = resultOf(t, await postEpisode(app, { instruction, fps: 4 }, frames));
  t.strictSame(timed.prefixes, rated.prefixes);
});

t.test('an instruction that contains a control token is refused', async (t) => {
  const known = ['<|im_end|>', '<|vision_start|>', '<|video_pad|>', '<think>', '</think>', '<tool_call>'];
  for (const token of [...known, '<tts_pad>', '<tts_text_bos>', '<tts_text_eod>', '<tts_text_bos_single>']) {
    const answer = await postEpisode(app, { ...EPISODE, instruction: `Open ${token} it.` });
    isProblem(t, answer, 'special-token-text', { pointer: '/instruction' });
  }
  for (const harmless of ['a < b | c > d', '<0.5 seconds>', 'im_end', '<|>', 'Öffne die Schublade 🗄️.'])
    resultOf(t, await postEpisode(app, { ...EPISODE, instruction: harmless }));
});

t.test('an instruction that contains a control token of the engine’s tokenizer is refused', async (t) => {
  const app = await buildTestApp(t, {}, stubEngine({ controlTokens: ['<action_7>'] }));
  const episode = { ...EPISODE, instruction: 'Do <action_7>.' };
  const problem = isProblem(t, await postEpisode(app, episode), 'special-token-text', { pointer: '/instruction' });
  t.match(problem.detail, '<action_7>');
  const frames = [(await frameFile()).toString('base64')];
  const json = await app.inject({ method: 'POST', url: '/v1/rewards', payload: { episode, frames } });
  isProblem(t, json, 'special-token-text', { pointer: '/episode/instruction' });
});

t.test('the instruction is inserted into the prompt unchanged', async (t) => {
  const odd = '  Öffne\tdie "Schublade" \\ 🗄️\n ';
  const { provenance } = resultOf(t, await postEpisode(app, { ...EPISODE, instruction: odd }));
  t.ok(provenance.prompt.text.includes(`following task: ${odd} Decide`));
});

t.test('an episode that is not an object is refused', async (t) => {
  for (const episode of [null, [], 'Open the drawer.', 3]) {
    const answer = await postParts(app, [episodePart(episode), framePart(await frameFile())]);
    t.equal(answer.statusCode, 422);
  }
});
