import t from 'tap';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { comparable, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, npyPart, postEpisode, postParts } from '../support/forms.ts';
import { episodePixels, frameFiles, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const COUNT = 5;
const shape = [COUNT, HEIGHT, WIDTH, 3];
const pixels = episodePixels(COUNT);
const file = npyFile(pixels, { shape });
const post = (npy: Buffer) => postParts(app, [episodePart({ ...EPISODE, frame_size: 'native' }), npyPart(npy)]);

t.test('a NumPy file has the same result as the same frames in PNG', async (t) => {
  const asNpy = resultOf(t, await post(file));
  const episode = { ...EPISODE, frame_size: 'native' };
  const asPng = resultOf(t, await postEpisode(app, episode, await frameFiles(COUNT)));
  t.strictSame(comparable(asNpy), comparable(asPng));
  for (let frame = 0; frame < COUNT; frame += 1) {
    const one = pixels.subarray((frame * pixels.length) / COUNT, ((frame + 1) * pixels.length) / COUNT);
    t.equal(engine.calls.at(-2)?.pixels.get(frame)?.compare(one), 0, `frame ${frame}`);
  }
});

t.test('format versions 2 and 3 are accepted', async (t) => {
  const first = comparable(resultOf(t, await post(file)));
  for (const version of [2, 3])
    t.strictSame(comparable(resultOf(t, await post(npyFile(pixels, { shape, version })))), first);
});

const wide = Buffer.alloc(pixels.length * 4);
const head = (text: string) => {
  const start = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  start.writeUInt16LE(text.length, 8);
  return Buffer.concat([start, Buffer.from(text), pixels]);
};

const REFUSED: [what: string, file: Buffer, code: ProblemCode][] = [
  ['signed bytes', npyFile(pixels, { shape, dtype: '|i1' }), 'invalid-npy'],
  ['floats', npyFile(wide, { shape, dtype: '<f4' }), 'invalid-npy'],
  ['16-bit integers', npyFile(wide, { shape, dtype: '<u2' }), 'invalid-npy'],
  ['objects', npyFile(pixels, { shape, dtype: '|O' }), 'invalid-npy'],
  ['Fortran order', npyFile(pixels, { shape, order: 'F' }), 'invalid-npy'],
  ['one frame without the frame axis', npyFile(pixels, { shape: [HEIGHT, WIDTH, 3] }), 'invalid-npy'],
  ['grey frames', npyFile(pixels, { shape: [COUNT * 3, HEIGHT, WIDTH] }), 'invalid-npy'],
  ['channels first', npyFile(pixels, { shape: [COUNT, 3, HEIGHT, WIDTH] }), 'invalid-npy'],
  ['RGBA frames', npyFile(wide, { shape: [COUNT, HEIGHT, WIDTH, 4] }), 'invalid-npy'],
  ['a scalar', npyFile(pixels, { shape: [] }), 'invalid-npy'],
  ['frames of height 0', npyFile(Buffer.alloc(0), { shape: [COUNT, 0, WIDTH, 3] }), 'invalid-npy'],
  ['one byte too few', npyFile(pixels, { shape, cut: 1 }), 'invalid-npy'],
  ['one frame too few', npyFile(pixels, { shape: [COUNT + 1, HEIGHT, WIDTH, 3] }), 'invalid-npy'],
  ['one frame too many', npyFile(pixels, { shape: [COUNT - 1, HEIGHT, WIDTH, 3] }), 'invalid-npy'],
  ['one byte too many', Buffer.concat([file, Buffer.from([0])]), 'invalid-npy'],
  ['no frames', npyFile(Buffer.alloc(0), { shape: [0, HEIGHT, WIDTH, 3] }), 'no-frames'],
  ['more frames than an integer can count', npyFile(pixels, { shape: [1e20, HEIGHT, WIDTH, 3] }), 'too-many-frames'],
  ['frames larger than memory', npyFile(pixels, { shape: [1, 1e9, 1e9, 3] }), 'image-too-large'],
  ['an empty file', Buffer.alloc(0), 'invalid-npy'],
  ['only the magic bytes', file.subarray(0, 6), 'invalid-npy'],
  ['half a header', file.subarray(0, 40), 'invalid-npy'],
  ['an NPZ file', Buffer.concat([Buffer.from('PK\x03\x04'), pixels]), 'invalid-npy'],
  ['version 4', npyFile(pixels, { shape, version: 4 }), 'invalid-npy'],
  ['a header that is not a dictionary', head('hello'), 'invalid-npy'],
  ['a header without shape', head("{'descr': '|u1', 'fortran_order': False}"), 'invalid-npy'],
  [
    'a header with a negative shape',
    head("{'descr': '|u1', 'fortran_order': False, 'shape': (5, -24, 40, 3)}"),
    'invalid-npy',
  ],
];

for (const [what, npy, code] of REFUSED) {
  t.test(`refused: ${what}`, async (t) => {
    isProblem(t, await post(npy), code, code === 'no-frames' ? {} : { part: 'npy' });
  });
}

t.test('an array of another shape or type is refused with the NumPy expression that converts it', async (t) => {
  const advice: [shape: number[], dtype: string, expression: string][] = [
    [[COUNT, HEIGHT, WIDTH, 3], '<f4', '(frames * 255).round().astype(numpy.uint8)'],
    [[COUNT, HEIGHT, WIDTH, 3], '<i8', 'frames.astype(numpy.uint8)'],
    [[COUNT, 3, HEIGHT, WIDTH], '|u1', 'numpy.transpose(frames, (0, 2, 3, 1))'],
    [[COUNT, HEIGHT, WIDTH, 4], '|u1', 'frames[..., :3]'],
    [[COUNT, HEIGHT, WIDTH, 1], '|u1', 'numpy.repeat(frames, 3, axis=-1)'],
    [[HEIGHT, WIDTH, 3], '|u1', 'frames[numpy.newaxis]'],
    [[COUNT, HEIGHT, WIDTH], '|u1', 'numpy.repeat(frames[..., numpy.newaxis], 3, axis=-1)'],
  ];
  for (const [shape, dtype, expression] of advice) {
    const { detail } = isProblem(t, await post(npyFile(pixels, { shape, dtype })), 'invalid-npy', { part: 'npy' });
    t.ok(detail.includes(expression), detail);
  }
});
