import { type Clock, frameTime } from '../../episode/clock.ts';
import { oneDecimal } from '../../episode/rounding.ts';
import type { Family } from '../family.ts';
import type { ImagesProfile } from '../profile.ts';
import { sentSizeOf } from '../sent-size.ts';
import { statementOf } from '../statement.ts';

/** A family of models that receive each frame as an image. */
export function imagesFamily(profile: ImagesProfile): Family {
  const { name, verified, statement, prompt, side_multiple: multiple } = profile;
  const { frame_sizes: sizes = ['reference', 'native', 'budget'] } = profile;
  const { opening, image, image_token: token, turn_end: turnEnd } = prompt;
  const textBefore = (time: string) => prompt.time?.replaceAll('{time}', time) ?? '';
  return {
    name,
    verified: verified !== null,
    media: 'image',
    framesPerBlock: 1,
    frameSizes: sizes,
    layouts: ['images'],
    blockToken: token,
    imageToken: token,
    opening: (first) => (first === 'text' ? (prompt.opening_before_text ?? opening) : opening),
    textBefore,
    blockText: (time) => `${textBefore(time)}${image}`,
    imageText: image,
    imageTokens: () => undefined,
    turnEnd: (variant) => (variant === 'open' ? '' : turnEnd),
    statement: statementOf(statement),
    // Only the engine's tokenizer knows the others.
    controlTokenIn: (text) => (text.includes(token) ? token : undefined),
    blocks: (frames, clock) => frames.map((frame) => ({ frames: [frame], time: timeOf(clock, frame) })),
    ownBlocks: () => [],
    published: undefined,
    gvlFrames: (reference) => ({ size: reference, resampling: 'pillow-bicubic' }),
    sentSize: sentSizeOf(multiple),
    wouldShrink: () => false,
  };
}

function timeOf(clock: Clock, frame: number): string {
  return oneDecimal(frameTime(clock, frame));
}
