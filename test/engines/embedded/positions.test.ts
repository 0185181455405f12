import t from 'tap';
import { positionsOf } from '../../../src/engines/embedded/positions.ts';

const PAD = 7;
const pads = Array<number>(6).fill(PAD);

t.test('positions equal those of Qwen3-VL’s get_rope_index', async (t) => {
  const ids = [9, 9, 9, ...pads, 9, 9, ...pads, 9];
  const { time, row, column, next } = positionsOf(ids, 0, { rows: 2, columns: 3, token: PAD });
  // Output of transformers 5.19 for a video of two blocks of 4×6 patches.
  t.same(time, [0, 1, 2, 3, 3, 3, 3, 3, 3, 6, 7, 8, 8, 8, 8, 8, 8, 11]);
  t.same(row, [0, 1, 2, 3, 3, 3, 4, 4, 4, 6, 7, 8, 8, 8, 9, 9, 9, 11]);
  t.same(column, [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8, 9, 10, 8, 9, 10, 11]);
  t.equal(next, 12);
});

t.test('a run of tokens continues at the position where the previous run ended', async (t) => {
  const grid = { rows: 2, columns: 3, token: PAD };
  const whole = positionsOf([9, ...pads, 9, ...pads, 9], 0, grid);
  const first = positionsOf([9, ...pads], 0, grid);
  const second = positionsOf([9, ...pads, 9], first.next, grid);
  t.same([...first.row, ...second.row], whole.row);
  t.same([...first.time, ...second.time], whole.time);
  t.equal(second.next, whole.next);
});
