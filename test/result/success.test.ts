import t from 'tap';
import { defaultAnswers } from '../../src/episode/answers.ts';
import { successOf } from '../../src/result/success.ts';
import { usageOf } from '../../src/result/usage.ts';

const scored = (request: object, defaults = {}, calibration: object | null = null) =>
  ({
    request: { pipeline: 'aligned', answers: defaultAnswers('open'), prompt: 'open', ...request },
    defaults,
    profile: { calibration },
  }) as unknown as Parameters<typeof successOf>[2];

t.test('the nearest threshold counts, and a score that equals it is a success', async (t) => {
  const all = [
    { threshold: -1, calibration: { threshold: -2 } },
    { SUCCESS_THRESHOLD: -3 },
    { successThreshold: -4 },
  ] as const;
  t.match(successOf(-1, 1, scored(...all)), { flag: true, threshold: -1, threshold_source: 'request' });
  t.match(successOf(-2, 1, scored({ ...all[0], threshold: undefined }, all[1], all[2])), {
    flag: true,
    threshold_source: 'calibration',
  });
  t.match(successOf(-3.5, 1, scored({}, all[1], all[2])), { flag: false, threshold_source: 'operator' });
  t.match(successOf(-4, 1, scored({}, {}, all[2])), { flag: true, threshold_source: 'model' });
  t.equal(successOf(-4, 1, scored({})), null);
});

t.test('thresholds of the operator and of the model are for the aligned pipeline only', async (t) => {
  const others = [{ SUCCESS_THRESHOLD: -3 }, { successThreshold: -4 }] as const;
  t.equal(successOf(-1, 1, scored({ pipeline: 'published' }, ...others)), null);
  t.match(successOf(-1, 1, scored({ pipeline: 'published', threshold: -2 }, ...others)), { threshold: -2 });
});

t.test('cached tokens are unknown if one query does not report them', async (t) => {
  const usage = { requests: 2, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 };
  const of = (...cached: (number | null)[]) =>
    usageOf({
      readings: new Map(cached.map((cachedTokens, i) => [i, { promptTokens: 5, cachedTokens }])),
      usage,
    } as never).cached_tokens;
  t.equal(of(3, 4), 7);
  t.equal(of(3, null), null);
});

t.test('thresholds of the operator and of the model hold for the default answers only', async (t) => {
  const answers = { ...defaultAnswers('open'), reward: 'log_odds' };
  const all = [{ SUCCESS_THRESHOLD: -3 }, { successThreshold: -4 }] as const;
  t.equal(successOf(5, 1, scored({ answers }, ...all)), null);
  t.match(successOf(5, 1, scored({ answers, threshold: 4 }, ...all)), { flag: true, threshold_source: 'request' });
  const others = { ...defaultAnswers('open'), trueTexts: [' Yes'] };
  t.equal(successOf(-1, 1, scored({ answers: others }, ...all)), null);
  t.equal(successOf(-1, 1, scored({ answers: defaultAnswers('chat') }, ...all)), null, 'the texts of the other prompt');
  const same = { ...defaultAnswers('open'), falseTexts: [' No'] };
  t.match(successOf(-1, 1, scored({ answers: same }, ...all)), { threshold_source: 'operator' }, 'log p is the same');
});
