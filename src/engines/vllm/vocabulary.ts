import type { PromptLayout } from '../../../schemas/enumerations.ts';
import { EngineFault } from './faults.ts';

/** Ids of the tokens that mark frames in a prompt. */
export interface Vocabulary {
  /** stands for the tokens of a block */
  blockPad: number;
  /** stands for the tokens of an image that is not in a block */
  imagePad: number;
  /** The start of a video, by which the two layouts of pairs differ. Undefined if blocks are images. */
  videoStart: number | undefined;
}

/**
 * Reads the layout of a prompt from its token ids.
 * @param blocks how many blocks the prompt has
 * @throws EngineFault unusable, if it matches no layout
 */
export function layoutOf(tokenIds: number[], blocks: number, { blockPad, videoStart }: Vocabulary): PromptLayout {
  return videoStart === undefined
    ? imagesLayout(tokenIds, blocks, blockPad)
    : pairsLayout(tokenIds, blocks, blockPad, videoStart);
}

function pairsLayout(tokenIds: number[], blocks: number, pad: number, start: number): PromptLayout {
  const starts = placesOf(tokenIds, start).length;
  if (starts !== blocks && starts !== 2 * blocks)
    throw new EngineFault('unusable', `The prompt has ${starts} vision start tokens for ${blocks} blocks.`);
  const runs = runLengths(tokenIds, pad);
  if (runs.length !== blocks || runs.some((length) => length !== runs[0]))
    throw new EngineFault('unusable', `The prompt does not have as many video tokens for each of ${blocks} blocks.`);
  return starts === blocks ? 'reference' : 'nested';
}

/** Frames of one size have the same number of tokens. Some models write images without a separator. */
function imagesLayout(tokenIds: number[], blocks: number, pad: number): PromptLayout {
  const runs = runLengths(tokenIds, pad);
  const perBlock = runs.length / blocks;
  const areEqual = runs.every((length, i) => length === runs[i % perBlock]);
  const pads = placesOf(tokenIds, pad).length;
  if (runs.length === 1 ? pads % blocks === 0 : perBlock >= 1 && Number.isInteger(perBlock) && areEqual)
    return 'images';
  throw new EngineFault(
    'unusable',
    `The prompt has ${pads} image tokens in ${runs.length} places for ${blocks} frames.`,
  );
}

/**
 * Whether a prompt is the expected one, token for token, where each run of video or image tokens counts as one.
 * @param expected the token ids of its text, which has one token for each run
 */
export function isSamePrompt(received: number[], expected: number[], pad: number): boolean {
  return areSame(collapsePads(received, pad), collapsePads(expected, pad));
}

/** Whether two lists of token ids are the same. */
export function areSame(one: number[], other: number[]): boolean {
  return one.length === other.length && one.every((id, i) => id === other[i]);
}

/** Replaces each run of one token, that of videos or that of images, with one such token, as in the text of a prompt. */
export function collapsePads(tokenIds: number[], pad: number): number[] {
  return tokenIds.filter((id, i) => id !== pad || tokenIds[i - 1] !== pad);
}

/**
 * Counts the tokens from the start of one block to the start of the next.
 * @param blocks how many blocks the prompt has, at least 2
 * @throws EngineFault unusable, if it has fewer
 */
export function blockStride(tokenIds: number[], blocks: number, { blockPad }: Vocabulary): number {
  const starts = runStarts(tokenIds, blockPad);
  // Images without a separator are one run.
  if (starts.length === 1) return padsPerBlock(tokenIds, blocks, blockPad);
  const [first, next] = [starts[0], starts[starts.length / blocks]];
  if (first === undefined || next === undefined)
    throw new EngineFault('unusable', 'The prompt lacks the tokens of its blocks.');
  return next - first;
}

/** Counts the video or image tokens of one block: all have as many. */
export function padsPerBlock(tokenIds: number[], blocks: number, pad: number): number {
  return placesOf(tokenIds, pad).length / blocks;
}

/** The tokens after the last token of a block: the end of its markup, and the prompt text after the blocks. */
export function textTokens(tokenIds: number[], { blockPad }: Vocabulary): number[] {
  return tokenIds.slice(tokenIds.lastIndexOf(blockPad) + 1);
}

/** Where a token is. */
export function placesOf(tokenIds: number[], pad: number): number[] {
  return tokenIds.flatMap((id, i) => (id === pad ? [i] : []));
}

/** How long each run of a token is. Each token is looked at once: an engine may send a million of them. */
function runLengths(tokenIds: number[], pad: number): number[] {
  const lengths: number[] = [];
  let length = 0;
  for (const id of tokenIds) {
    if (id === pad) length += 1;
    else if (length > 0) {
      lengths.push(length);
      length = 0;
    }
  }
  return length > 0 ? [...lengths, length] : lengths;
}

/** Where runs of a token begin. */
function runStarts(tokenIds: number[], pad: number): number[] {
  return tokenIds.flatMap((id, i) => (id === pad && tokenIds[i - 1] !== pad ? [i] : []));
}
