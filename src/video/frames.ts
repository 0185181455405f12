import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Frames } from '../frames/frames.ts';
import type { EngineFrame, FrameForm } from '../frames/rendered.ts';
import type { Renderer } from '../frames/renderer.ts';
import { stopwatch } from '../frames/rendering.ts';
import type { Reservation } from '../limits/fair-queue.ts';
import type { FrameGroup } from '../plan/plan.ts';
import { ProblemError } from '../problems/problems.ts';
import { decodeFrames } from './decode.ts';
import type { ProbedVideo } from './probe.ts';
import type { KnownVideoFile } from './video-file.ts';

/** Most frames of one run of ffmpeg, because its arguments list them all. */
const MOST_AT_ONCE = 500;

/**
 * Makes the Frames of a video. They are decoded when they are rendered, and each is released at once, so that only the
 * frames that are being resized are in memory.
 * @param enter waits for a turn to decode, because the number of videos decoded at once is limited
 */
export function videoFrames(
  file: KnownVideoFile,
  video: ProbedVideo,
  renderer: Renderer,
  enter: (signal: AbortSignal) => Promise<Reservation>,
): Frames {
  async function renderRun(
    indices: number[],
    seek: boolean,
    { size: to, resampling }: Omit<FrameGroup, 'frames'>,
    encoding: FrameForm,
    signal: AbortSignal,
  ) {
    const rendered = new Map<number, EngineFrame>();
    // One failed frame ends the run, so the frames in progress are no longer needed.
    const stop = new AbortController();
    const going = AbortSignal.any([signal, stop.signal]);
    const render = renderer.begin({ from: video.size, to, resampling, encoding, place: file.place }, going);
    const decoded = decodeFrames(file, video, indices, { seek, signal: going });
    const work = async () => {
      for await (const { index, bytes } of decoded)
        rendered.set(index, await render({ bytes, kind: 'rgb', shared: false }));
    };
    const workers = Array.from({ length: renderer.parallel }, work);
    try {
      await Promise.all(workers);
      return rendered;
    } finally {
      stop.abort();
      await Promise.allSettled(workers);
    }
  }

  return {
    count: video.ticks.length,
    size: video.size,
    warnings: video.warnings,
    // No frame is decoded yet, but every frame can be.
    countUploaded: (indices) => indices.length,
    uploadedBytes: () => ({ memory: 0, disk: file.bytes }),
    restoreRecent: () => false,
    origin: () => beginningOf(file, video),
    video: { codec: video.codec, decoder: `ffmpeg ${file.tools.version}`, timestamps_s: video.timestampsS },
    async render({ frames: indices, ...look }, encoding, signal) {
      const turn = await enter(signal);
      const took = stopwatch();
      const failure = new AbortController();
      const stop = new AbortController();
      const going = AbortSignal.any([signal, stop.signal]);
      // No frame can be used before the last frame of its run has arrived: see decodeFrames.
      async function renderAll(): Promise<Map<number, EngineFrame>> {
        const done = new Map<number, EngineFrame>();
        const rising = [...indices].sort((one, other) => one - other);
        for (let at = 0; at < rising.length; at += MOST_AT_ONCE) {
          const some = rising.slice(at, at + MOST_AT_ONCE);
          const run = (seek: boolean) => renderRun(some, seek, look, encoding, going);
          const fromStart = video.fromStart && some[0] === 0;
          const rendered = fromStart ? await run(false) : await run(true).catch((fault) => again(fault, run));
          for (const [index, frame] of rendered) done.set(index, frame);
        }
        return done;
      }
      const all = renderAll().finally(() => {
        took.stop();
        turn.release();
      });
      all.catch((error) => failure.abort(error));
      async function* each(): AsyncGenerator<[number, EngineFrame]> {
        try {
          const done = await all;
          for (const index of indices) {
            const frame = done.get(index);
            if (!frame) throw new Error(`Frame ${index} of the video was not decoded.`);
            yield [index, frame];
          }
        } finally {
          stop.abort();
        }
      }
      return { waitedMs: turn.waitedMs, tookMs: took.read, failed: failure.signal, each };
    },
  };
}

/** What is hashed of a file to tell it from others. */
const SAMPLED_BYTES = 64 * 1024;

/** The beginning and the length of the file, and the time of the first frame: a file is not read completely for this. */
async function beginningOf({ path, bytes }: KnownVideoFile, { ticks: [first] }: ProbedVideo): Promise<string> {
  const hash = createHash('sha256').update(`${bytes} ${first} `);
  for await (const chunk of createReadStream(path, { end: SAMPLED_BYTES - 1 })) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Decodes again from the beginning of the file after a seek failed: a key frame may depend on frames before it (open
 * groups of pictures, intra refresh).
 */
function again<Result>(fault: unknown, run: (seek: boolean) => Promise<Result>): Promise<Result> {
  if (fault instanceof ProblemError && fault.code === 'video-damaged') return run(false);
  throw fault;
}
