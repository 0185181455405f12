import t from 'tap';
import { blockStride, layoutOf, padsPerBlock } from '../../../src/engines/vllm/vocabulary.ts';

const [PAD, TEXT, START] = [9, 1, 2];
const IMAGES = { blockPad: PAD, imagePad: PAD, videoStart: undefined };
const PAIRS = { ...IMAGES, videoStart: START };

const images = (...sizes: number[]) => sizes.flatMap((size) => [TEXT, ...Array<number>(size).fill(PAD), TEXT]);

t.test('a prompt of images has as many equal frames as it should', async (t) => {
  t.equal(layoutOf(images(4, 4, 4), 3, IMAGES), 'images');
  t.equal(layoutOf(images(4, 2, 4, 2), 2, IMAGES), 'images', 'each frame in two tiles');
  t.equal(layoutOf(Array<number>(12).fill(PAD), 3, IMAGES), 'images', 'without a separator');
  for (const [ids, blocks] of [
    [images(4, 4, 3), 3],
    [images(3, 1), 2],
    [images(4, 4, 4), 2],
    [images(4), 2 * 4],
    [images(4, 4), 3],
    [[TEXT], 1],
    [[], 1],
  ] as const)
    t.throws(() => layoutOf([...ids], blocks, IMAGES), { message: /image tokens in/ }, `${ids} for ${blocks} frames`);
});

t.test('a prompt of pairs has one start for each, or two with the stock template', async (t) => {
  const pairs = (starts: number, count: number) =>
    Array.from({ length: count }, () => [...Array<number>(starts).fill(START), PAD, TEXT]).flat();
  t.equal(layoutOf(pairs(1, 3), 3, PAIRS), 'reference');
  t.equal(layoutOf(pairs(2, 3), 3, PAIRS), 'nested');
  t.throws(() => layoutOf(pairs(1, 2), 3, PAIRS), { message: /2 vision start tokens for 3 blocks/ });
  const block = [START, PAD, PAD, TEXT];
  t.equal(layoutOf([...block, ...block], 2, PAIRS), 'reference');
  for (const other of [
    [START, PAD, TEXT],
    [START, TEXT],
    [START, PAD, TEXT, PAD],
  ])
    t.throws(() => layoutOf([...block, ...other], 2, PAIRS), { message: /video tokens for each of 2 blocks/ });
});

t.test('the length of a block is that from one start to the next', async (t) => {
  t.strictSame([blockStride(images(4, 4, 4), 3, IMAGES), padsPerBlock(images(4, 4, 4), 3, PAD)], [6, 4]);
  t.equal(blockStride(images(4, 2, 4, 2), 2, IMAGES), 10, 'in two tiles');
  t.equal(blockStride(Array<number>(12).fill(PAD), 3, IMAGES), 4, 'without a separator');
  t.throws(() => blockStride([TEXT], 1, IMAGES), { message: /lacks the tokens/ });
});

t.test('a prompt of a million tokens with half a million frames is read', async (t) => {
  const ids = Array.from({ length: 1_000_000 }, (_, i) => (i % 2 ? PAD : TEXT));
  t.equal(layoutOf(ids, 500_000, IMAGES), 'images');
});
