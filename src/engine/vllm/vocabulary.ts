import type { Layout } from '../engine.ts';
import { EngineFault } from './faults.ts';

/** Ids of the tokens that mark a block in a prompt. */
export interface Vocabulary {
  visionStart: number;
  videoPad: number;
}

/**
 * How a prompt of so many blocks came out, read from its token ids.
 * @throws EngineFault unusable, when it is neither layout
 */
export function layoutOf(tokenIds: number[], blocks: number, { visionStart }: Vocabulary): Layout {
  const starts = tokenIds.filter((id) => id === visionStart).length;
  if (starts === blocks) return 'reference';
  if (starts === 2 * blocks) return 'nested';
  throw new EngineFault('unusable', `The prompt has ${starts} vision starts for ${blocks} blocks.`);
}

/** Token ids with each run of video tokens as one, as a prompt's text holds them. */
export function collapsePads(tokenIds: number[], { videoPad }: Vocabulary): number[] {
  return tokenIds.filter((id, i) => id !== videoPad || tokenIds[i - 1] !== videoPad);
}

/**
 * Tokens from one block's start to the next one's.
 * @throws EngineFault unusable, without two blocks
 */
export function blockStride(tokenIds: number[], { videoPad }: Vocabulary): number {
  const [first, second] = tokenIds.flatMap((id, i) => (id === videoPad && tokenIds[i - 1] !== videoPad ? [i] : []));
  if (first === undefined || second === undefined)
    throw new EngineFault('unusable', 'The prompt does not have the video tokens of its blocks.');
  return second - first;
}

/** Length of the first run of video tokens: those of one block. */
export function padsPerBlock(tokenIds: number[], { videoPad }: Vocabulary): number {
  const start = tokenIds.indexOf(videoPad);
  const length = tokenIds.slice(start).findIndex((id) => id !== videoPad);
  return length < 0 ? tokenIds.length - start : length;
}

/** Tokens after the last video token: the end of its block, and the question. */
export function questionTokens(tokenIds: number[], { videoPad }: Vocabulary): number {
  return tokenIds.length - 1 - tokenIds.lastIndexOf(videoPad);
}
