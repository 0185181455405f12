import t from 'tap';
import { didYouMean } from '../../src/checking/did-you-mean.ts';

const MEMBERS = [
  'instruction',
  'fps',
  'timestamps_s',
  'prefixes',
  'frame_size',
  'frame_digests',
  'to_s',
  'success_threshold',
];

t.test('a misspelt name finds the name that was meant', async (t) => {
  for (const [word, meant] of [
    ['prefix', 'prefixes'],
    ['instructions', 'instruction'],
    ['instrution', 'instruction'],
    ['isntruction', 'instruction'],
    ['fsp', 'fps'],
    ['FPS', 'fps'],
    ['fp', 'fps'],
    ['frameSize', 'frame_size'],
    ['frame-size', 'frame_size'],
    ['timestamps', 'timestamps_s'],
    ['timestamp', 'timestamps_s'],
    ['sucess_treshold', 'success_threshold'],
    ['frame_digest', 'frame_digests'],
  ] as const)
    t.equal(didYouMean(word, MEMBERS), meant, word);
});

t.test('a name that is similar to none finds none', async (t) => {
  for (const word of ['', 'f', 'x', 'id', 'frames', 'fresh', 'gamma', 'frame_rate', '__proto__'])
    t.equal(didYouMean(word, MEMBERS), undefined, word);
  t.equal(didYouMean('prefix', []), undefined, 'no names are known');
});

t.test('the nearest of several names is found', async (t) => {
  t.equal(didYouMean('API_KEY', ['API_KEYS_S', 'API_KEYS', 'API_KEYED']), 'API_KEYS');
  t.equal(didYouMean('prefix', MEMBERS, 1), undefined, 'at most one letter may be wrong');
  t.equal(didYouMean('cat', ['cab', 'car']), 'cab', 'the first of two that are equally near');
});

t.test('a name of a million letters is handled quickly', async (t) => {
  const start = process.hrtime.bigint();
  t.equal(didYouMean('prefixes'.repeat(125_000), MEMBERS), undefined);
  t.equal(didYouMean('_'.repeat(1_000_000), MEMBERS), undefined);
  t.ok(process.hrtime.bigint() - start < 1_000_000_000n, 'in less than 1 s');
});
