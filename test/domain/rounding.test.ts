import t from 'tap';
import { oneDecimal } from '../../src/episode/rounding.ts';
import { noFaults } from '../support/faults.ts';
import { REFERENCE } from './reference-numbers.ts';

t.test('one decimal as Python prints it', async (t) => {
  const faults = REFERENCE.one_decimal.filter(({ value, text }) => oneDecimal(value) !== text);
  noFaults(
    t,
    faults.map(({ value, text }) => `${value} is ${oneDecimal(value)}, not ${text}`),
    'as Python',
  );
});

t.test('the halves that JavaScript alone gets wrong', async (t) => {
  t.same([0.25, 0.75, 1.25, 2.25, 3600.25].map(oneDecimal), ['0.2', '0.8', '1.2', '2.2', '3600.2']);
  t.equal((0.25).toFixed(1), '0.3');
});
