import {
  type AskedEpisode,
  checkVideoEpisode,
  type EpisodeRequest,
  givenClock,
  parseEpisode,
} from '../episode/episode.ts';
import { type FrameCollector, type Frames, tooManyFrames } from '../frames/frames.ts';
import { npyFrames } from '../frames/npy.ts';
import { checkSizeLimits } from '../frames/size-limits.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';
import type { VideoReader } from '../video/video.ts';
import type { VideoFile } from '../video/video-file.ts';
import type { UploadLimits } from './limits.ts';

/** A whole request, read and checked: what is asked, and about which frames. */
export interface Upload {
  request: EpisodeRequest;
  frames: Frames;
  /** JSON pointer to the episode in the caller's request */
  pointer: string;
  /** time spent waiting for others while it was read, ms */
  waitedMs: number;
}

/** A video as it comes in. Several episodes of a batch may be cut from it. */
export interface VideoUpload {
  chunks: AsyncIterable<Buffer>;
  place: ProblemPlace;
  /** once somebody wants it */
  file?: Promise<VideoFile>;
}

type Kind = 'frames' | 'npy' | 'video';

/** Feeds the pieces of an upload, in whatever order they come, to where they belong. */
export interface UploadReader {
  episode(value: unknown, pointer: string): void;
  image(bytes: Buffer, place: ProblemPlace): Promise<void>;
  npy(chunks: AsyncIterable<Buffer>): Promise<void>;
  video(video: VideoUpload): Promise<void>;
  /** @throws ProblemError missing-episode, missing-clock, no-frames, or what is wrong with a video */
  finish(): Promise<Upload>;
}

/** For whom an upload is read. */
export interface Caller {
  tenant: string;
  /** aborts when the upload and what was made of it are not needed any more, answered or not */
  signal: AbortSignal;
  /** Refuses what is asked as soon as it is read, where that is possible. @throws ProblemError */
  refuse(asked: AskedEpisode): void;
}

export function createUploadReader(
  limits: UploadLimits,
  frames: FrameCollector,
  videos: VideoReader,
  { tenant, signal, refuse }: Caller,
): UploadReader {
  let parsed: { request: AskedEpisode; pointer: string } | undefined;
  let kind: Kind | undefined;
  let video: VideoFile | undefined;

  function only(wanted: Kind) {
    if (kind && kind !== wanted)
      throw new ProblemError('ambiguous-frames', 'Send one of `frames`, `npy` and `video`.', { part: wanted });
    if (kind && kind !== 'frames')
      throw new ProblemError('unexpected-part', `There is more than one \`${kind}\` part.`, { part: kind });
    kind = wanted;
    agree();
  }

  /** What is known already must fit together: nobody should upload the rest for nothing. */
  function agree() {
    if (!parsed || !kind) return;
    if (kind === 'video') checkVideoEpisode(parsed.request, parsed.pointer);
    else givenClock(parsed.request, parsed.pointer);
  }

  function accept({ count, size }: { count: number; size: FrameSize }) {
    if (count > limits.MAX_FRAMES) throw tooManyFrames(limits.MAX_FRAMES, { part: 'npy' });
    checkSizeLimits(size, limits, { part: 'npy' });
  }

  return {
    episode(value, pointer) {
      if (parsed)
        throw new ProblemError('unexpected-part', 'There is more than one `episode` part.', { part: 'episode' });
      const request = parseEpisode(value, pointer);
      refuse(request);
      parsed = { request, pointer };
      const { clock, frameDigests } = parsed.request;
      agree();
      if (clock) frames.expect({ clock, frameDigests }, pointer);
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
    async video(upload) {
      only('video');
      upload.file ??= videos.receive(upload.chunks, upload.place, signal);
      video = await upload.file;
    },
    async finish() {
      if (!parsed)
        throw new ProblemError('missing-episode', 'Send a part `episode` with JSON: at least `instruction` and `fps`.');
      const { request, pointer } = parsed;
      if (video) {
        const { clock, frames, waitedMs } = await videos.open(video, request.range, tenant, signal);
        return { request: { ...request, clock }, frames, pointer, waitedMs };
      }
      const clock = givenClock(request, pointer);
      return { request: { ...request, clock }, frames: frames.finish(), pointer, waitedMs: 0 };
    },
  };
}
