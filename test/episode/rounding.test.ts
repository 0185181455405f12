import t from 'tap';
import { oneDecimal } from '../../src/episode/rounding.ts';
import { noFaults } from '../support/faults.ts';
import { REFERENCE } from '../support/reference-numbers.ts';

t.test('one decimal is rounded as Python does', async (t) => {
  const faults = REFERENCE.one_decimal.filter(({ value, text }) => oneDecimal(value) !== text);
  noFaults(
    t,
    faults.map(({ value, text }) => `${value} is ${oneDecimal(value)}, not ${text}`),
    'rounded as Python does',
  );
});

t.test('halves that toFixed rounds up are rounded to even', async (t) => {
  t.same([0.25, 0.75, 1.25, 2.25, 3600.25].map(oneDecimal), ['0.2', '0.8', '1.2', '2.2', '3600.2']);
  t.equal((0.25).toFixed(1), '0.3');
});
