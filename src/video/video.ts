import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config/config.ts';
import type { Clock } from '../episode/clock.ts';
import type { TimeRange } from '../episode/time-range.ts';
import type { Frames } from '../frames/frames.ts';
import type { Renderer } from '../frames/renderer.ts';
import { createFairQueue, type Queues } from '../limits/fair-queue.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import { videoFrames } from './frames.ts';
import { indexLimits } from './index-limits.ts';
import { decodingMemory } from './memory.ts';
import { probeVideo } from './probe.ts';
import { createUploadStorage, sweepUploads } from './storage.ts';
import { findVideoTools, type VideoTools } from './tools.ts';
import { storeVideo, type VideoFile } from './video-file.ts';

/** Reads videos as episodes. */
export interface VideoReader {
  /** undefined if there is no suitable ffmpeg; then every video is refused */
  tools: VideoTools | undefined;
  /**
   * Stores an upload on disk until the signal aborts.
   * @throws ProblemError video-unavailable or storage-unavailable
   */
  receive(chunks: AsyncIterable<Buffer>, place: ProblemPlace, signal: AbortSignal): Promise<VideoFile>;
  /**
   * Reads the frame times in a time range. Frames are decoded later, when they are rendered.
   * @throws ProblemError as probeVideo does
   */
  open(file: VideoFile, range: TimeRange, tenant: string, signal: AbortSignal): Promise<OpenedVideo>;
  queues: Queues;
  /** Removes all stored uploads. */
  close(): Promise<void>;
}

/** The episode in a video. */
interface OpenedVideo {
  frames: Frames;
  clock: Clock;
  /** time spent waiting for a turn, ms */
  waitedMs: number;
}

type Settings = Pick<
  Config,
  'FFMPEG_DIR' | 'PATH' | 'VIDEO_PROCESSES' | 'VIDEO_TIMEOUT_S' | 'MAX_FRAMES' | 'MAX_FRAME_SIDE' | 'MAX_FRAME_PIXELS'
>;

/** Finds ffmpeg, ffprobe and prlimit, and removes uploads that a killed service left on disk. */
export async function createVideoReader(
  config: Settings,
  renderer: Renderer,
  log: FastifyBaseLogger,
): Promise<VideoReader> {
  const path = config.PATH.split(':');
  const largest = decodingMemory(indexLimits(config.MAX_FRAMES, {}).samples, config.MAX_FRAME_PIXELS);
  const tools = await findVideoTools(config.FFMPEG_DIR ? [config.FFMPEG_DIR] : path, path, largest);
  // Without FFMPEG_DIR, to run without ffmpeg may be the operator's choice. With it, a missing ffmpeg is a mistake.
  if (!tools) log[config.FFMPEG_DIR ? 'warn' : 'info']('no ffmpeg 5.1 or newer found: videos are refused');
  else if (!tools.prlimit)
    log.warn('no working prlimit found: only the checks of a file limit the memory of ffmpeg and ffprobe');
  await sweepUploads(log);
  const storage = createUploadStorage();
  // Requests that wait here are already admitted, so the length of this queue needs no limit.
  const turns = createFairQueue({ places: config.VIDEO_PROCESSES });
  return {
    tools,
    async receive(chunks, place, signal) {
      if (!tools) {
        const detail = 'This server has no ffmpeg, so it does not accept videos. Send the frames instead.';
        throw new ProblemError('video-unavailable', detail, place);
      }
      return { ...(await storeVideo(chunks, storage, place, signal)), tools, timeoutS: config.VIDEO_TIMEOUT_S, place };
    },
    async open(uploaded, range, tenant, signal) {
      const turn = await turns.enter({ tenant }, signal);
      try {
        const { file, video } = await probeVideo(uploaded, range, config, signal);
        const frames = videoFrames(file, video, renderer, (signal) => turns.enter({ tenant }, signal));
        return { frames, clock: { timestampsS: video.timestampsS }, waitedMs: turn.waitedMs };
      } finally {
        turn.release();
      }
    },
    queues: { video: turns },
    close: () => storage.close(),
  };
}
