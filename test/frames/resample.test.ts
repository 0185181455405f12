import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { main } from 'assemblyscript/asc';
import t from 'tap';
import type { FrameSize } from '../../schemas/reward.ts';
import { createResampler } from '../../src/frames/resample.ts';
import { plainBicubic } from '../support/plain-bicubic.ts';
import { REFERENCE } from '../support/reference-numbers.ts';
import { testPattern } from '../support/test-pattern.ts';

/** Noise with many darkest and brightest values, so that results must be clipped to the range. */
function noise(seed: number, { width, height }: FrameSize): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const value = state >>> 20;
    return value % 3 === 0 ? 255 * (value & 1) : value % 256;
  });
}

function swapped(pixels: Uint8Array): Uint8Array {
  return pixels.map((_, i) => pixels[i - (i % 3) + 2 - (i % 3)] as number);
}

const resampler = createResampler();

/** Resizes with red as the first channel. */
function resample(pixels: Uint8Array, from: FrameSize, to: FrameSize, check?: () => void): Uint8Array {
  return resampler.rgb({ pixels, from, to, ...(check && { check }) });
}

/** Resizes with blue as the first channel. The result is decoded from Base64 text that is written after three characters. */
function blueFirst(pixels: Uint8Array, from: FrameSize, to: FrameSize): Buffer {
  const text = Buffer.alloc(3 + to.width * to.height * 4 + 1, '!');
  resampler.blueFirstText({ pixels, from, to }, text, 3);
  if (!/^!!![^!]*!$/.test(text.toString('latin1'))) throw new Error('The text has a wrong length.');
  return Buffer.from(text.toString('latin1', 3, text.length - 1), 'base64');
}

t.test('pixels equal those of Pillow in every bit', async (t) => {
  for (const { source, target, sha256 } of REFERENCE.resized) {
    const [from, to] = [source, target].map(([width, height]) => ({ width, height })) as [never, never];
    const resized = resample(testPattern(...source), from, to);
    t.equal(createHash('sha256').update(resized).digest('hex'), sha256, `${source.join('×')} to ${target.join('×')}`);
  }
});

t.test('WebAssembly and plain JavaScript produce the same pixels, with red first and with blue first', async (t) => {
  const sides = [1, 2, 3, 5, 16, 31, 64, 97, 250];
  const sizes = sides.flatMap((width) => sides.map((height) => ({ width, height })));
  const wrong: string[] = [];
  for (const [i, from] of sizes.entries()) {
    const to = sizes[(i * 29) % sizes.length] as FrameSize;
    const pixels = noise(i + 1, from);
    const expected = plainBicubic(pixels, from, to);
    const right = [
      Buffer.compare(resample(pixels, from, to), expected) === 0,
      Buffer.compare(blueFirst(pixels, from, to), swapped(expected)) === 0,
    ];
    if (right.includes(false)) wrong.push(JSON.stringify({ from, to, right }));
  }
  t.same(wrong, []);
});

t.test('large frames are resized correctly after small frames', async (t) => {
  const large = { width: 1500, height: 2000 };
  const small = { width: 40, height: 30 };
  for (const [from, to] of [
    [small, { width: 10, height: 10 }],
    [large, { width: 50, height: 3 }],
    [small, { width: 700, height: 3 }],
    [large, { width: 1, height: 1 }],
  ] as const) {
    const pixels = noise(7, from);
    t.equal(Buffer.compare(resample(pixels, from, to), plainBicubic(pixels, from, to)), 0);
  }
});

t.test(
  'a frame that keeps its size and channel order is not copied; otherwise the source pixels stay unchanged',
  async (t) => {
    const size = { width: 7, height: 5 };
    const pixels = noise(1, size);
    const before = Uint8Array.from(pixels);
    t.equal(resample(pixels, size, size), pixels);
    t.ok(blueFirst(pixels, size, size).equals(swapped(before)));
    t.same(pixels, before);
  },
);

t.test('the check before each row can stop the work, and the next frame is correct', async (t) => {
  const from = { width: 60, height: 50 };
  const to = { width: 20, height: 20 };
  const pixels = noise(3, from);
  let rows = 0;
  const stop = () => {
    rows += 1;
    if (rows === 7) throw new Error('enough');
  };
  t.throws(() => resample(pixels, from, to, stop), { message: 'enough' });
  t.equal(rows, 7);
  t.same(resample(pixels, from, to), plainBicubic(pixels, from, to));
});

t.test('resample.wasm equals the output of compiling its source', async (t) => {
  const folder = 'src/frames/wasm';
  let compiled: Uint8Array | string | null = null;
  const { error, stderr } = await main(['--config', `${folder}/asconfig.json`, '--outFile', 'resample.wasm'], {
    writeFile: (_, contents) => {
      compiled = contents;
    },
  });
  t.equal(error, null, stderr.toString());
  t.ok(Buffer.from(compiled ?? '').equals(readFileSync(`${folder}/resample.wasm`)), 'run npm run build:wasm');
});
