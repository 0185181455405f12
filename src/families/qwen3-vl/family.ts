import type { Family } from '../family.ts';
import { blockText, controlTokenIn, IMAGE_TEXT, OPENING, turnEnd } from './markup.ts';
import { doubledBlock, pairBlocks, timedBlocks } from './pairs.ts';
import { GVL_SIZE, imageTokens, publishedSize, sentFrameSize, wouldShrink } from './size.ts';

/** Qwen3-VL: the model receives frames in pairs, each with the mean time of its two frames. */
export const QWEN3_VL = {
  name: 'qwen3-vl',
  verified: true,
  media: 'video',
  framesPerBlock: 2,
  frameSizes: ['reference', 'native', 'budget'],
  layouts: ['reference', 'nested'],
  blockToken: '<|video_pad|>',
  imageToken: '<|image_pad|>',
  opening: () => OPENING,
  textBefore: () => '',
  blockText,
  imageText: IMAGE_TEXT,
  imageTokens,
  turnEnd,
  statement: undefined,
  controlTokenIn,
  blocks: pairBlocks,
  ownBlocks: doubledBlock,
  published: { blocks: timedBlocks, size: publishedSize },
  gvlFrames: () => ({ size: GVL_SIZE, resampling: 'gvl' }),
  sentSize: sentFrameSize,
  wouldShrink,
} satisfies Family;
