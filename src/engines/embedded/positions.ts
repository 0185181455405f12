import type { VideoGrid } from './checkpoint.ts';

/** Positions of tokens: three per token (time, row, column), and the position of the next token after them. */
interface Positions {
  time: number[];
  row: number[];
  column: number[];
  next: number;
}

/**
 * Computes the M-RoPE positions of a run of tokens, equal to those of Qwen3-VL's get_rope_index (transformers 5.19). A
 * text token advances all three positions by one. The video tokens of a block share one time and differ in row and
 * column. Text after them continues after the largest position.
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
