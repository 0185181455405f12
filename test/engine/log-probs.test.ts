import t from 'tap';
import { logProbFault, setLogProbs } from '../../src/engine/log-probs.ts';
import { isMarkup } from '../../src/engine/markup.ts';

t.test('possible log probabilities are accepted', async (t) => {
  const pairs: [number, number, number[]][] = [
    [-1, -2, []],
    [-1.2, -1.2, [-0.95]],
    [-Math.LN2, 1e-6 - Math.LN2, []],
    [0, -40, []],
    [-1e-8, -18, [-30]],
  ];
  for (const [yes, no, others] of pairs) t.equal(logProbFault([yes, no], others), undefined);
});

t.test('one token may be exactly as likely as another one that was not asked', async (t) => {
  // Rounding sometimes makes them equal: in bf16, neighbouring values are 0.0625 nats apart from 8 nats on.
  t.equal(logProbFault([-22.049152374267578], [-22.049152374267578]), undefined);
});

t.test('impossible log probabilities are refused', async (t) => {
  const pairs: [number, number, number[], RegExp][] = [
    [Number.NaN, -1, [], /positive or not a finite number/],
    [-1, Number.NEGATIVE_INFINITY, [], /positive or not a finite number/],
    [-1, 1e-9, [], /positive or not a finite number/],
    [-1, -2, [Number.NaN], /positive or not a finite number/],
    [-9999, -1, [], /minus infinity/],
    [-1, -1, [], /equally likely/],
    [-11.93, -11.93, [-11.93], /equally likely/],
    [-0.5, -0.6, [], /sum to more than 1/],
    [-1, -2, [-0.3], /sum to more than 1/],
    [0, 0, [-3], /sum to more than 1/],
  ];
  for (const [yes, no, others, why] of pairs) t.match(logProbFault([yes, no], others), why);
});

t.test('the log probability of a set is that of the sum of its probabilities', async (t) => {
  const [single, pair, rare] = setLogProbs([-0.25, Math.log(0.2), Math.log(0.3), -900, -901], [1, 2, 2]) as number[];
  t.equal(single, -0.25);
  t.ok(Math.abs((pair as number) - Math.log(0.5)) < 1e-15);
  t.ok(Math.abs((rare as number) - (-900 + Math.log1p(Math.exp(-1)))) < 1e-12, 'tiny probabilities do not vanish');
});

t.test(
  'the log probability of a set is never above 0, although rounded probabilities can sum to more than 1',
  async (t) => {
    const half = -Math.LN2;
    for (const logProbs of [
      [half, half],
      [-0.69, -0.69],
      [half, half + 1e-6],
      [-1e-8, -18],
      [-1e-17, -40],
    ]) {
      const [whole] = setLogProbs(logProbs, [2]) as [number];
      t.ok(whole <= 0 && whole > -1e-9, `${logProbs}: ${whole}`);
    }
  },
);

t.test('markup tokens of a vocabulary are recognised', async (t) => {
  const marked = ['<tts_pad>', '<|im_end|>', '</think>', '<｜User｜>', '<action 7>', '[INST]', '[/gMASK 2]'];
  for (const token of marked) t.ok(isMarkup(token), token);
  // Ordinary tokens as byte-level vocabularies write them: Ġ is a space, âĢ¦ an ellipsis.
  for (const token of ['<', '>', '<>', 'Ġ<', '<|', '|>', '<div', 'Ġ<=>', '<âĢ¦>', 'True', '[]', '[i', 'i]', '<0x0A>'])
    t.notOk(isMarkup(token), token);
});
