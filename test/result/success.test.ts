import t from 'tap';
import { defaultAnswers } from '../../src/episode/answers.ts';
import { successOf } from '../../src/result/success.ts';
import { usageOf } from '../../src/result/usage.ts';

const scored = (request: object, defaults = {}, calibration: object | null = null) =>
  ({
    request: { method: 'topreward', pipeline: 'aligned', answers: defaultAnswers('open'), prompt: 'open', ...request },
    defaults,
    served: { calibration },
  }) as unknown as Parameters<typeof successOf>[2];
const judged = (episode: number, ...asked: Parameters<typeof scored>) =>
  successOf({ episode, corrected: -9 }, 1, scored(...asked));

t.test('the nearest threshold counts, and a score that equals it is a success', async (t) => {
  const all = [
    { threshold: -1, calibration: { threshold: -2 } },
    { SUCCESS_THRESHOLD: -3 },
    { successThreshold: -4 },
  ] as const;
  t.match(judged(-1, ...all), { flag: true, threshold: -1, threshold_source: 'request' });
  t.match(judged(-2, { ...all[0], threshold: undefined }, all[1], all[2]), {
    flag: true,
    threshold_source: 'calibration',
  });
  t.match(judged(-3.5, {}, all[1], all[2]), { flag: false, threshold_source: 'operator' });
  t.match(judged(-4, {}, {}, all[2]), { flag: true, threshold_source: 'model' });
  t.equal(judged(-4, {}), null);
});

t.test('a calibration says which score it is for; the other thresholds are for log probabilities', async (t) => {
  const calibration = { curve: 'corrected', threshold: 1.5 };
  const judge = (corrected: number, request: object) => successOf({ episode: -0.5, corrected }, 1, scored(request));
  t.match(judge(1.5, { calibration }), { flag: true, threshold: 1.5, curve: 'corrected' });
  t.match(judge(1.4, { calibration }), { flag: false, curve: 'corrected' });
  t.match(judge(-2, { calibration, threshold: -1 }), { flag: true, threshold_source: 'request', curve: 'episode' });
  t.match(judge(-2, { calibration: { threshold: -1 } }), { flag: true, curve: 'episode' });
  const operated = successOf(
    { episode: -3, corrected: 2 },
    1,
    scored({ calibration: { ...calibration, threshold: null } }, { SUCCESS_THRESHOLD: -2 }),
  );
  t.match(operated, { flag: false, threshold_source: 'operator', curve: 'episode' });
});

t.test('thresholds of the operator and of the model are for the aligned pipeline only', async (t) => {
  const others = [{ SUCCESS_THRESHOLD: -3 }, { successThreshold: -4 }] as const;
  t.equal(judged(-1, { pipeline: 'published' }, ...others), null);
  t.match(judged(-1, { pipeline: 'published', threshold: -2 }, ...others), { threshold: -2 });
});

t.test('cached tokens are unknown if one query does not report them', async (t) => {
  const usage = { requests: 2, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 };
  const of = (...cached: (number | null)[]) =>
    usageOf({
      controls: [],
      readings: new Map(cached.map((cachedTokens, i) => [i, { promptTokens: 5, cachedTokens }])),
      usage,
    } as never).cached_tokens;
  t.equal(of(3, 4), 7);
  t.equal(of(3, null), null);
});

t.test('thresholds of the operator and of the model hold for the default answers only', async (t) => {
  const answers = { ...defaultAnswers('open'), reward: 'log_odds' };
  const all = [{ SUCCESS_THRESHOLD: -3 }, { successThreshold: -4 }] as const;
  t.equal(judged(5, { answers }, ...all), null);
  t.match(judged(5, { answers, threshold: 4 }, ...all), { flag: true, threshold_source: 'request' });
  const others = { ...defaultAnswers('open'), trueTexts: [' Yes'] };
  t.equal(judged(-1, { answers: others }, ...all), null);
  t.equal(judged(-1, { answers: defaultAnswers('chat') }, ...all), null, 'the texts of the other prompt');
  const same = { ...defaultAnswers('open'), falseTexts: [' No'] };
  t.match(judged(-1, { answers: same }, ...all), { threshold_source: 'operator' }, 'log p is the same');
});

t.test('thresholds of operator and model are for TOPReward only', async (t) => {
  const other = scored({ method: 'instruction_likelihood' }, { SUCCESS_THRESHOLD: -9 }, { successThreshold: -9 });
  t.equal(successOf({ episode: -1, corrected: undefined }, 1, other), null);
});
