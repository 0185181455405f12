import t from 'tap';
import type { Problem } from '../../schemas/problem.ts';
import type { ProblemCode } from '../../src/problems.ts';
import { bitFlipped, episodePixels, frameFiles, gif, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { buildTestApp, comparable, EPISODE, INSTRUCTION, isProblem, postEpisode, resultOf } from './support.ts';

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

t.test('JSON gives the same answer as the form', async (t) => {
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
    'a member that objects have anyway',
    `{"episode": {"instruction": "zebra", "fps": 2, "__proto__": {"fps": 9}}, "frames": ["${first}"]}`,
    'invalid-request',
    { pointer: '/episode/__proto__' },
  ],
  [
    'another one',
    `{"episode": {"instruction": "zebra", "fps": 2, "constructor": {"prototype": 9}}, "frames": ["${first}"]}`,
    'invalid-request',
    { pointer: '/episode/constructor' },
  ],
  ['no episode, and an odd member', '{"__proto__": {"episode": {}}}', 'missing-episode', { pointer: '/episode' }],
  ['null', null, 'missing-episode', { pointer: '/episode' }],
  ['a list', [], 'missing-episode', { pointer: '/episode' }],
  [
    'an episode without instruction',
    { episode: { fps: 2 }, frames },
    'missing-instruction',
    { pointer: '/episode/instruction' },
  ],
  [
    'an episode without clock',
    { episode: { instruction: INSTRUCTION }, frames },
    'missing-clock',
    { pointer: '/episode/fps' },
  ],
  [
    'a nested mistake',
    { episode: { ...EPISODE, prefixes: { count: 1 } }, frames },
    'invalid-request',
    { pointer: '/episode/prefixes/count' },
  ],
  [
    'prefixes too long',
    { episode: { ...EPISODE, prefixes: { lengths: [9] } }, frames },
    'invalid-prefixes',
    { pointer: '/episode/prefixes/lengths/0' },
  ],
  [
    'times too few',
    { episode: { instruction: INSTRUCTION, timestamps_s: [0] }, frames },
    'invalid-timestamps',
    { pointer: '/episode/timestamps_s' },
  ],
  ['an unknown member', { episode: EPISODE, frames, video: 'x' }, 'invalid-request', { pointer: '/video' }],
  ['frames that are no list', { episode: EPISODE, frames: first }, 'invalid-request', { pointer: '/frames' }],
  ['a frame that is no text', { episode: EPISODE, frames: [first, 7] }, 'invalid-request', { pointer: '/frames/1' }],
  ['bad base64', { episode: EPISODE, frames: [first, '***'] }, 'invalid-request', { pointer: '/frames/1' }],
  [
    'base64 with line breaks',
    { episode: EPISODE, frames: [`${first.slice(0, 76)}\n${first.slice(76)}`] },
    'invalid-request',
    { pointer: '/frames/0' },
  ],
  [
    'base64 cut within a group',
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
  ['bad base64 in npy', { episode: EPISODE, npy: 'data:,x' }, 'invalid-request', { pointer: '/npy' }],
  ['no frames', { episode: EPISODE }, 'no-frames', {}],
  ['an empty list of frames', { episode: EPISODE, frames: [] }, 'no-frames', {}],
  ['both', { episode: EPISODE, frames, npy }, 'ambiguous-frames', { part: 'npy' }],
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
  ['an npy that is none', { episode: EPISODE, npy: first }, 'invalid-npy', { part: 'npy' }],
];

for (const [what, body, code, place] of REFUSED) {
  t.test(`refused: ${what}`, async (t) => {
    isProblem(t, await post(body), code, place);
  });
}

t.test('malformed JSON', async (t) => {
  const text = JSON.stringify({ episode: EPISODE, frames });
  for (const body of ['', '{', text.slice(0, -1), `${text}}`, "{'episode': 1}", '{"episode": NaN}'])
    isProblem(t, await post(body), 'malformed-json');
});
