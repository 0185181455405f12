import { type EpisodeRequest, parseEpisode } from '../episode/episode.ts';
import { type FrameCollector, type Frames, tooManyFrames } from '../frames/frames.ts';
import { npyFrames } from '../frames/npy.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';
import type { UploadLimits } from './limits.ts';

/** A whole request, read and checked: what is asked, and about which frames. */
export interface Upload {
  request: EpisodeRequest;
  frames: Frames;
  /** JSON pointer to the episode in the caller's request */
  pointer: string;
}

/** Feeds the pieces of an upload, in whatever order they come, to where they belong. */
export interface UploadReader {
  episode(value: unknown, pointer: string): void;
  image(bytes: Buffer, place: ProblemPlace): Promise<void>;
  npy(chunks: AsyncIterable<Buffer>): Promise<void>;
  /** @throws ProblemError missing-episode or no-frames */
  finish(): Upload;
}

export function createUploadReader(limits: UploadLimits, frames: FrameCollector): UploadReader {
  let parsed: { request: EpisodeRequest; pointer: string } | undefined;
  let kind: 'frames' | 'npy' | undefined;

  function only(wanted: 'frames' | 'npy') {
    if (kind && kind !== wanted)
      throw new ProblemError('ambiguous-frames', 'Send `frames` or `npy`, not both.', { part: wanted });
    if (kind === 'npy')
      throw new ProblemError('unexpected-part', 'There is more than one `npy` part.', { part: 'npy' });
    kind = wanted;
  }

  function accept({ count, size }: { count: number; size: FrameSize }) {
    if (count > limits.MAX_FRAMES) throw tooManyFrames(limits.MAX_FRAMES, { part: 'npy' });
    if (size.width * size.height <= limits.MAX_FRAME_PIXELS) return;
    const detail = `The frames are ${size.width}×${size.height}; at most ${limits.MAX_FRAME_PIXELS} pixels are taken.`;
    throw new ProblemError('image-too-large', detail, { part: 'npy', limit: limits.MAX_FRAME_PIXELS });
  }

  return {
    episode(value, pointer) {
      if (parsed)
        throw new ProblemError('unexpected-part', 'There is more than one `episode` part.', { part: 'episode' });
      parsed = { request: parseEpisode(value, pointer), pointer };
      frames.expect(parsed.request, pointer);
    },
    async image(bytes, place) {
      only('frames');
      await frames.addImage(bytes, place);
    },
    async npy(chunks) {
      only('npy');
      let size: FrameSize = { width: 0, height: 0 };
      const read = npyFrames(chunks, (header) => {
        accept(header);
        size = header.size;
      });
      let frame = 0;
      for await (const pixels of read) {
        frames.addPixels(pixels, size, { part: 'npy', frame });
        frame += 1;
      }
    },
    finish() {
      if (!parsed)
        throw new ProblemError('missing-episode', 'Send a part `episode` with JSON: at least `instruction` and `fps`.');
      return { ...parsed, frames: frames.finish() };
    },
  };
}
