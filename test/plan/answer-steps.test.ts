import t from 'tap';
import { answerSteps, nestedTexts, tokenPlaces } from '../../src/plan/answer-steps.ts';

const texts = (...ids: number[][]) => ids.map((each) => ({ ids: each }));

t.test('texts of one token each need one step', async (t) => {
  t.same(answerSteps(texts([1], [2], [3])), [{ start: [], reads: [1, 2, 3] }]);
});

t.test('each further token is a step, and texts with the same beginning share theirs', async (t) => {
  t.same(answerSteps(texts([1, 2, 3], [1, 2, 4], [1, 5], [6])), [
    { start: [], reads: [1, 6] },
    { start: [1], reads: [2, 5] },
    { start: [1, 2], reads: [3, 4] },
  ]);
  t.same(answerSteps(texts([1, 2], [12], [1, 3])), [
    { start: [], reads: [1, 12] },
    { start: [1], reads: [2, 3] },
  ]);
});

t.test('each token of a text is read by one step', async (t) => {
  const read = texts([1, 2, 3], [1, 5], [6]);
  t.same(tokenPlaces(read, answerSteps(read)), [
    [
      { step: 0, at: 0 },
      { step: 1, at: 0 },
      { step: 2, at: 0 },
    ],
    [
      { step: 0, at: 0 },
      { step: 1, at: 1 },
    ],
    [{ step: 0, at: 1 }],
  ]);
  t.throws(() => tokenPlaces(texts([7]), answerSteps(read)), RangeError);
});

t.test('a text that begins with another one is found, and so are equal ones', async (t) => {
  t.equal(nestedTexts(texts([1, 2], [1, 3], [2])), undefined);
  t.equal(nestedTexts(texts([1, 2], [12])), undefined, 'ids are compared, not digits');
  t.same(nestedTexts(texts([1, 2, 3], [4], [1, 2])), { longer: 0, shorter: 2 });
  t.same(nestedTexts(texts([1], [2], [1])), { longer: 2, shorter: 0 });
});
