import type { Family } from '../family.ts';
import { blockText, controlTokenIn, IMAGE_TEXT, OPENING, turnEnd } from './markup.ts';
import { completePairs, doubledBlock, pairBlocks, timedBlocks } from './pairs.ts';
import { GVL_SIZE, imageTokens, publishedSize, sentFrameSize, wouldShrink } from './size.ts';

/** Qwen3-VL: the model receives frames in pairs, each with the mean time of its two frames. */
export const QWEN3_VL: Family = {
  name: 'qwen3-vl',
  opening: OPENING,
  blockText,
  imageText: IMAGE_TEXT,
  imageTokens,
  turnEnd,
  controlTokenIn,
  blocks: pairBlocks,
  ownBlocks: doubledBlock,
  timedBlocks,
  publishedSize,
  gvlSize: GVL_SIZE,
  completeBlocks: completePairs,
  sentSize: sentFrameSize,
  wouldShrink,
};
