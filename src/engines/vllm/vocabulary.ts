import type { PromptLayout } from '../../../schemas/enumerations.ts';
import { EngineFault } from './faults.ts';

/** Ids of the tokens that mark a block in a prompt. */
export interface Vocabulary {
  visionStart: number;
  videoPad: number;
  imagePad: number;
}

/**
 * Reads the layout of a prompt from its token ids.
 * @param blocks how many blocks the prompt has
 * @throws EngineFault unusable, if it matches neither layout
 */
export function layoutOf(tokenIds: number[], blocks: number, { visionStart }: Vocabulary): PromptLayout {
  const starts = tokenIds.filter((id) => id === visionStart).length;
  if (starts === blocks) return 'reference';
  if (starts === 2 * blocks) return 'nested';
  throw new EngineFault('unusable', `The prompt has ${starts} vision start tokens for ${blocks} blocks.`);
}

/** Replaces each run of one token, that of videos or that of images, with one such token, as in the text of a prompt. */
export function collapsePads(tokenIds: number[], pad: number): number[] {
  return tokenIds.filter((id, i) => id !== pad || tokenIds[i - 1] !== pad);
}

/**
 * Counts the tokens from the start of one block to the start of the next.
 * @throws EngineFault unusable, if the prompt has fewer than two blocks
 */
export function blockStride(tokenIds: number[], { videoPad }: Vocabulary): number {
  const [first, second] = tokenIds.flatMap((id, i) => (id === videoPad && tokenIds[i - 1] !== videoPad ? [i] : []));
  if (first === undefined || second === undefined)
    throw new EngineFault('unusable', 'The prompt lacks the video tokens of its blocks.');
  return second - first;
}

/** Counts the video tokens of one block: the length of the first run. */
export function padsPerBlock(tokenIds: number[], { videoPad }: Vocabulary): number {
  const start = tokenIds.indexOf(videoPad);
  const length = tokenIds.slice(start).findIndex((id) => id !== videoPad);
  return length < 0 ? tokenIds.length - start : length;
}

/** The tokens after the last video token: the end of its block, and the prompt text after the blocks. */
export function textTokens(tokenIds: number[], { videoPad }: Vocabulary): number[] {
  return tokenIds.slice(tokenIds.lastIndexOf(videoPad) + 1);
}
