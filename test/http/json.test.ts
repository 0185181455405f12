import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { comparable, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { postEpisode } from '../support/forms.ts';
import { bitFlipped, episodePixels, frameFiles, gif, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { EPISODE, INSTRUCTION } from '../support/stub-engine.ts';

const app = await buildTestApp(t);
const files = await frameFiles(4);
const frames = files.map((file) => file.toString('base64'));
const npy = npyFile(episodePixels(4), { shape: [4, HEIGHT, WIDTH, 3] }).toString('base64');
const [first = ''] = frames;

const post = (payload: unknown, type = 'application/json') =>
  app.inject({
    method: 'POST',
    url: '/v1/rewards',
    headers: { 'content-type': type },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });

t.test('JSON and the form have the same result', async (t) => {
  const form = comparable(resultOf(t, await postEpisode(app, EPISODE, files)));
  t.strictSame(comparable(resultOf(t, await post({ episode: EPISODE, frames }))), form);
  t.strictSame(comparable(resultOf(t, await post({ frames, episode: EPISODE }))), form);
  t.strictSame(comparable(resultOf(t, await post({ episode: EPISODE, npy }))), form);
  const named = 'application/json; charset=utf-8';
  t.strictSame(comparable(resultOf(t, await post({ episode: EPISODE, frames }, named))), form);
});

const REFUSED: [what: string, body: unknown, code: ProblemCode, place: Partial<Problem>][] = [
  ['no episode', { frames }, 'missing-episode', { pointer: '/episode' }],
  [
    'a member named __proto__',
    `{"episode": {"instruction": "zebra", "fps": 2, "__proto__": {"fps": 9}}, "frames": ["${first}"]}`,
    'invalid-request',
    { pointer: '/episode/__proto__' },
  ],
  [
    'a member named constructor',
    `{"episode": {"instruction": "zebra", "fps": 2, "constructor": {"prototype": 9}}, "frames": ["${first}"]}`,
    'invalid-request',
    { pointer: '/episode/constructor' },
  ],
  [
    'no episode, and a member named __proto__',
    '{"__proto__": {"episode": {}}}',
    'missing-episode',
    { pointer: '/episode' },
  ],
  ['a body that is null', null, 'missing-episode', { pointer: '/episode' }],
  ['a body that is a list', [], 'missing-episode', { pointer: '/episode' }],
  [
    'an episode without instruction',
    { episode: { fps: 2 }, frames },
    'missing-instruction',
    { pointer: '/episode/instruction' },
  ],
  [
    'an episode without fps or timestamps',
    { episode: { instruction: INSTRUCTION }, frames },
    'missing-clock',
    { pointer: '/episode/fps' },
  ],
  [
    'a mistake in a nested object',
    { episode: { ...EPISODE, prefixes: { count: 1 } }, frames },
    'invalid-request',
    { pointer: '/episode/prefixes/count' },
  ],
  [
    'a prefix longer than the episode',
    { episode: { ...EPISODE, prefixes: { lengths: [9] } }, frames },
    'invalid-prefixes',
    { pointer: '/episode/prefixes/lengths/0' },
  ],
  [
    'too few timestamps',
    { episode: { instruction: INSTRUCTION, timestamps_s: [0] }, frames },
    'invalid-timestamps',
    { pointer: '/episode/timestamps_s' },
  ],
  ['an unknown member', { episode: EPISODE, frames, video: 'x' }, 'invalid-request', { pointer: '/video' }],
  ['frames that are not a list', { episode: EPISODE, frames: first }, 'invalid-request', { pointer: '/frames' }],
  [
    'a frame that is not a string',
    { episode: EPISODE, frames: [first, 7] },
    'invalid-request',
    { pointer: '/frames/1' },
  ],
  ['invalid base64', { episode: EPISODE, frames: [first, '***'] }, 'invalid-request', { pointer: '/frames/1' }],
  [
    'base64 with line breaks',
    { episode: EPISODE, frames: [`${first.slice(0, 76)}\n${first.slice(76)}`] },
    'invalid-request',
    { pointer: '/frames/0' },
  ],
  [
    'base64 that is cut in the middle of a group',
    { episode: EPISODE, frames: [first.replace(/=+$/, '').slice(0, 101)] },
    'invalid-request',
    { pointer: '/frames/0' },
  ],
  [
    'a data: URL',
    { episode: EPISODE, frames: [`data:image/png;base64,${first}`] },
    'invalid-request',
    { pointer: '/frames/0' },
  ],
  ['invalid base64 in npy', { episode: EPISODE, npy: 'data:,x' }, 'invalid-request', { pointer: '/npy' }],
  ['no frames', { episode: EPISODE }, 'no-frames', {}],
  ['an empty list of frames', { episode: EPISODE, frames: [] }, 'no-frames', {}],
  ['both frames and npy', { episode: EPISODE, frames, npy }, 'ambiguous-frames', { part: 'npy' }],
  [
    'a GIF',
    { episode: EPISODE, frames: [first, (await gif()).toString('base64')] },
    'not-an-image',
    { pointer: '/frames/1', frame: 1 },
  ],
  ['an empty frame', { episode: EPISODE, frames: [''] }, 'not-an-image', { pointer: '/frames/0', frame: 0 }],
  [
    'a damaged frame',
    { episode: EPISODE, frames: [first, bitFlipped(files[1] as Buffer).toString('base64')] },
    'image-damaged',
    { pointer: '/frames/1', frame: 1 },
  ],
  ['an npy that is not a .npy file', { episode: EPISODE, npy: first }, 'invalid-npy', { part: 'npy' }],
];

for (const [what, body, code, place] of REFUSED) {
  t.test(`refused: ${what}`, async (t) => {
    isProblem(t, await post(body), code, place);
  });
}

t.test('malformed JSON is refused', async (t) => {
  const text = JSON.stringify({ episode: EPISODE, frames });
  for (const body of ['', '{', text.slice(0, -1), `${text}}`, "{'episode': 1}", '{"episode": NaN}'])
    isProblem(t, await post(body), 'malformed-json');
});
