import t from 'tap';
import { resultOf, rgb } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { postEpisode } from '../support/forms.ts';
import {
  animatedPng,
  frameFile,
  GREY,
  GREY_ALPHA,
  greyJpeg,
  HEIGHT,
  interlacedPng,
  multiPictureJpeg,
  PALETTE,
  pngChunk,
  pngFile,
  profileChunk,
  progressiveJpeg,
  RGB,
  RGBA,
  testPixels,
  turnedJpeg,
  WIDTH,
} from '../support/images.ts';
import { EPISODE, stubEngine } from '../support/stub-engine.ts';

const engine = stubEngine();
const app = await buildTestApp(t, {}, engine);
const plain = testPixels();
const jpeg = await frameFile('jpeg');

/** The given channels of pixels that have `wide` channels. */
const channels = (pixels: Buffer, wide: number, kept: number[]) =>
  Buffer.from(
    Array.from({ length: pixels.length / wide }, (_, i) => kept.map((c) => pixels[i * wide + c] as number)).flat(),
  );
const spread = (grey: Buffer) => channels(grey, 1, [0, 0, 0]);

/** Unpacks samples of `bits` bits each, most significant first, as in the rows of a PNG. */
function unpack(packed: Buffer, bits: number): Buffer {
  const samples: number[] = [];
  for (const byte of packed) for (let at = 8 - bits; at >= 0; at -= bits) samples.push((byte >> at) & (2 ** bits - 1));
  return Buffer.from(samples);
}

const packed = (bits: number) => testPixels({ width: (WIDTH * bits) / 8 }, 1);
const colours = testPixels({ width: 256, height: 1 });
const indices = testPixels({}, 1);
const looked = (samples: Buffer) => Buffer.concat([...samples].map((i) => colours.subarray(i * 3, i * 3 + 3)));
const paletteChunk = (count: number) => pngChunk('PLTE', colours.subarray(0, count * 3));
const [rgba, greyAlpha] = [testPixels({}, 4), testPixels({}, 2)];
const clear = pngChunk('tRNS', Buffer.from([0, 128, 255]));

const EXACT: [what: string, file: Buffer, pixels: Buffer, warnings: string[]][] = [
  ['RGB PNG', await frameFile('png'), plain, []],
  ['RGB PNG, interlaced', await interlacedPng(), plain, []],
  ['lossless WebP', await frameFile('webp'), plain, []],
  ['RGB PNG with a colour profile', pngFile({ samples: plain, chunks: [await profileChunk()] }), plain, []],
  [
    'RGB PNG with a gamma',
    pngFile({ samples: plain, chunks: [pngChunk('gAMA', Buffer.from([0, 0, 0x80, 0]))] }),
    plain,
    [],
  ],
  ['grey PNG', pngFile({ colour: GREY, samples: testPixels({}, 1) }), spread(testPixels({}, 1)), []],
  ...[1, 2, 4].map((bits): [string, Buffer, Buffer, string[]] => {
    const samples = unpack(packed(bits), bits).map((sample) => (sample * 255) / (2 ** bits - 1));
    const file = pngFile({ colour: GREY, depth: bits, samples: packed(bits) });
    return [`grey PNG of ${bits} bits`, file, spread(Buffer.from(samples)), []];
  }),
  ['palette PNG', pngFile({ colour: PALETTE, samples: indices, chunks: [paletteChunk(256)] }), looked(indices), []],
  [
    'palette PNG of 1 bit',
    pngFile({ colour: PALETTE, depth: 1, samples: packed(1), chunks: [paletteChunk(2)] }),
    looked(unpack(packed(1), 1)),
    [],
  ],
  [
    'palette PNG with alpha',
    pngFile({ colour: PALETTE, samples: indices, chunks: [paletteChunk(256), clear] }),
    looked(indices),
    ['alpha-dropped'],
  ],
  ['RGBA PNG', pngFile({ colour: RGBA, samples: rgba }), channels(rgba, 4, [0, 1, 2]), ['alpha-dropped']],
  [
    'grey PNG with alpha',
    pngFile({ colour: GREY_ALPHA, samples: greyAlpha }),
    channels(greyAlpha, 2, [0, 0, 0]),
    ['alpha-dropped'],
  ],
  [
    'RGB PNG with a transparent colour',
    pngFile({ colour: RGB, samples: plain, chunks: [pngChunk('tRNS', Buffer.from([0, 0, 0, 60, 0, 120]))] }),
    plain,
    ['alpha-dropped'],
  ],
  ['JPEG', jpeg, await rgb(jpeg), []],
  ['progressive JPEG', await progressiveJpeg(), await rgb(await progressiveJpeg()), []],
  ['grey JPEG', await greyJpeg(), channels(await rgb(await greyJpeg()), 3, [0, 0, 0]), []],
  ['JPEG file with a second image', multiPictureJpeg(jpeg, await frameFile('jpeg', { seed: 1 })), await rgb(jpeg), []],
  ['animated PNG of one frame', animatedPng(1), plain, []],
  ['JPEG with an EXIF orientation of 1', turnedJpeg(jpeg, 1), await rgb(jpeg), []],
  ['JPEG with an EXIF rotation', turnedJpeg(jpeg, 6), await rgb(jpeg), ['orientation-ignored']],
];

for (const [what, file, pixels, warnings] of EXACT) {
  t.test(`${what}: the engine receives the exact pixels`, async (t) => {
    const result = resultOf(t, await postEpisode(app, { ...EPISODE, frame_size: 'native' }, [file]));
    const seen = engine.calls.at(-1)?.pixels.get(0) as Buffer;
    t.equal(seen.length, WIDTH * HEIGHT * 3);
    t.equal(seen.compare(pixels), 0, 'the pixels that reach the engine');
    const codes = result.warnings.map(({ code }) => code).filter((code) => code !== 'identical-prefixes');
    t.strictSame(codes, warnings);
  });
}

t.test('the frames of one episode can have different formats', async (t) => {
  const files = [
    await frameFile('png'),
    jpeg,
    await frameFile('webp'),
    turnedJpeg(jpeg, 3),
    pngFile({ colour: RGBA, samples: rgba }),
  ];
  const { warnings } = resultOf(t, await postEpisode(app, EPISODE, files));
  t.strictSame(warnings.map(({ code }) => code).sort(), ['alpha-dropped', 'orientation-ignored']);
});

t.test('at the reference size, frames are resized to 244×244', async (t) => {
  resultOf(t, await postEpisode(app, EPISODE, [await frameFile('png')]));
  t.equal(engine.calls.at(-1)?.pixels.get(0)?.length, 244 * 244 * 3);
});
