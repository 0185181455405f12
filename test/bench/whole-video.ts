import type { FrameSize } from '../../schemas/reward.ts';

/**
 * Makes one video file of all frames of a prefix, as other clients of vLLM send it: an AVI of PNG frames.
 * @param frames PNG files of this size
 * @param fps frames per second, an integer
 */
export function wholeVideo(frames: Uint8Array[], { width, height }: FrameSize, fps: number): Buffer {
  const largest = Math.max(...frames.map(({ length }) => length));
  const zeros = [0, 0, 0, 0];
  const avih = chunk(
    'avih',
    uint32(Math.round(1e6 / fps), 0, 0, 0, frames.length, 0, 1, largest, width, height, ...zeros),
  );
  const timing = uint32(0, 0, 0, 1, fps, 0, frames.length, largest, 0xffffffff, 0, 0, width | (height << 16));
  const strh = chunk('strh', Buffer.from('vidsMPNG'), timing);
  const format = [uint32(40, width, height, 1 | (24 << 16)), Buffer.from('MPNG'), uint32(width * height * 3, ...zeros)];
  const headers = list('hdrl', avih, list('strl', strh, chunk('strf', ...format)));
  return chunk('RIFF', Buffer.from('AVI '), headers, list('movi', ...frames.map((frame) => chunk('00dc', frame))));
}

function chunk(id: string, ...parts: Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from(id), uint32(size), ...parts, Buffer.alloc(size % 2)]);
}

function list(type: string, ...chunks: Buffer[]): Buffer {
  return chunk('LIST', Buffer.from(type), ...chunks);
}

function uint32(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
