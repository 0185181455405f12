import type { VideoGrid } from './checkpoint.ts';

/** Where tokens stand: three positions each (time, row, column), and where what follows goes on. */
export interface Positions {
  time: number[];
  row: number[];
  column: number[];
  next: number;
}

/**
 * M-RoPE positions of a run of tokens, as Qwen3-VL's get_rope_index gives them (transformers 5.19): text counts on in all
 * three; a block's video tokens share their time and spread over rows and columns; text after them goes on beyond the
 * largest.
 * @param start position of the first token
 */
export function positionsOf(ids: ArrayLike<number>, start: number, { rows, columns, token }: VideoGrid): Positions {
  const positions: Positions = { time: [], row: [], column: [], next: start };
  for (let i = 0; i < ids.length; ) {
    if (ids[i] !== token) {
      for (const axis of [positions.time, positions.row, positions.column]) axis.push(positions.next);
      positions.next += 1;
      i += 1;
      continue;
    }
    for (let pad = 0; pad < rows * columns; pad += 1) {
      positions.time.push(positions.next);
      positions.row.push(positions.next + Math.floor(pad / columns));
      positions.column.push(positions.next + (pad % columns));
    }
    positions.next += Math.max(rows, columns);
    i += rows * columns;
  }
  return positions;
}
