import type { FrameSize } from '../../schemas/reward.ts';
import { givenClock } from '../episode/clock-options.ts';
import { checkVideoEpisode, type EpisodeRequest, type ParsedEpisode, parseEpisode } from '../episode/episode.ts';
import { type FrameCollector, type Frames, tooManyFrames } from '../frames/frames.ts';
import { npyFrames } from '../frames/npy.ts';
import { checkSizeLimits } from '../frames/size-limits.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import type { VideoReader } from '../video/video.ts';
import type { VideoFile } from '../video/video-file.ts';
import type { UploadLimits } from './limits.ts';

/** A complete request that has been read and checked: the options and the frames of one episode. */
export interface Upload {
  request: EpisodeRequest;
  frames: Frames;
  /** JSON pointer to the episode in the client's request */
  pointer: string;
  /** time that reading waited for other requests, ms */
  waitedMs: number;
}

/** A video while it arrives. Several episodes of a batch can be cut from it. */
export interface VideoUpload {
  chunks: AsyncIterable<Buffer>;
  place: ProblemPlace;
  /** the stored file; set by the first episode that is cut from it */
  file?: Promise<VideoFile>;
}

const MORE_EPISODES = 'There is more than one `episode` part. Send one.';
const MISSING_EPISODE =
  'Send the part `episode`: JSON with at least `instruction` and, except for a video, `fps` or `timestamps_s`.';

type Kind = 'frames' | 'npy' | 'video';

/** Reads the pieces of one episode's upload, in any order. Each call throws a ProblemError as soon as something is wrong. */
export interface UploadReader {
  /** Reads the options. @param pointer JSON pointer to them in the request */
  episode(value: unknown, pointer: string): void;
  /** Reads the next frame from an image file. */
  image(bytes: Buffer, place: ProblemPlace): Promise<void>;
  /** Reads all frames from a .npy file. */
  npy(chunks: AsyncIterable<Buffer>): Promise<void>;
  /** Stores a video. Its frames are read by `finish`. */
  video(video: VideoUpload): Promise<void>;
  /** Call this after the last piece. @throws ProblemError missing-episode, missing-clock, no-frames, or a problem of the video */
  finish(): Promise<Upload>;
}

/** What is needed to read one upload. */
interface UploadContext {
  tenant: string;
  /** aborts when the upload and everything made from it are no longer needed */
  signal: AbortSignal;
  /** Finds text in an instruction that the model reads as a control token. */
  controlTokenIn(text: string): string | undefined;
  /** Refuses options as soon as they are read, if they are enough for that. @throws ProblemError */
  refuse(episode: ParsedEpisode): void;
}

/**
 * Creates a reader for one episode.
 * @param frames collects its frames
 * @param videos stores and decodes its video
 */
export function createUploadReader(
  limits: UploadLimits,
  frames: FrameCollector,
  videos: VideoReader,
  { tenant, signal, controlTokenIn, refuse }: UploadContext,
): UploadReader {
  let parsed: { request: ParsedEpisode; pointer: string } | undefined;
  let kind: Kind | undefined;
  let video: VideoFile | undefined;

  function only(wanted: Kind) {
    if (kind && kind !== wanted)
      throw new ProblemError('ambiguous-frames', 'Send only one of `frames`, `npy` and `video`.', { part: wanted });
    if (kind && kind !== 'frames')
      throw new ProblemError('unexpected-part', `There is more than one \`${kind}\` part. Send one.`, { part: kind });
    kind = wanted;
    checkPieces();
  }

  /** Checks that the pieces so far fit together, so that no client uploads the rest in vain. */
  function checkPieces() {
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
      if (parsed) throw new ProblemError('unexpected-part', MORE_EPISODES, { part: 'episode' });
      const request = parseEpisode(value, pointer, controlTokenIn);
      refuse(request);
      parsed = { request, pointer };
      const { clock, frameDigests, pipeline, controls, method } = parsed.request;
      checkPieces();
      if (clock) {
        const holdsAll = pipeline === 'published' || method === 'gvl';
        frames.expect({ clock, frameDigests, holdsAll, renderedAgain: controls !== undefined }, pointer);
      }
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
      if (!parsed) throw new ProblemError('missing-episode', MISSING_EPISODE);
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
