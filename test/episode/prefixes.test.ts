import t from 'tap';
import { prefixLengthFault, prefixLengths } from '../../src/episode/prefixes.ts';
import { REFERENCE } from '../support/reference-numbers.ts';

t.test('evenly spaced prefixes equal those of numpy.linspace, truncated to integers', async (t) => {
  for (const { frames, count, lengths } of REFERENCE.prefix_lengths) {
    t.same(prefixLengths(frames, { count }), lengths, `${count} of ${frames}`);
  }
  t.same(prefixLengths(64), prefixLengths(64, { count: 15 }), 'the default is 15');
});

t.test('prefixes can be selected by step, from the end, or by length', async (t) => {
  t.same(prefixLengths(7, { every: 3 }), [3, 6, 7], 'every third prefix, and the complete episode');
  t.same(prefixLengths(6, { every: 3 }), [3, 6]);
  t.same(prefixLengths(2, { every: 9 }), [2]);
  t.same(prefixLengths(9, { last: 3 }), [7, 8, 9]);
  t.same(prefixLengths(2, { last: 5 }), [1, 2]);
  t.same(prefixLengths(9, { lengths: [2, 9] }), [2, 9]);
});

t.test('a selection that does not fit the episode is refused with a pointer', async (t) => {
  t.equal(prefixLengthFault(5, {}), undefined);
  t.equal(prefixLengthFault(5, { lengths: [1, 5] }), undefined);
  t.match(prefixLengthFault(5, { lengths: [1, 6] }), { pointer: '/lengths/1' });
  t.match(prefixLengthFault(5, { lengths: [3, 3] }), { pointer: '/lengths/1' });
  t.match(prefixLengthFault(5, { count: 3, last: 1 }), { pointer: '' });
});
