import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ProblemError } from '../problems/problems.ts';
import { decodingMemory } from './memory.ts';
import type { ProbedVideo } from './probe.ts';
import { startToolWithNotes } from './process.ts';
import { inputOptions, type KnownVideoFile } from './video-file.ts';

/** Threads of one decoder. */
const THREADS = 2;

/**
 * Decodes some frames of a video, in one run of ffmpeg. Every frame from the first to the last of them is decoded, and
 * its time is compared with the file's index. Only the requested frames are converted to RGB.
 * @param indices rising frame numbers within the video's time range; no frames are decoded if there are none
 * @param seek true to start at a key frame before the first frame, and to stop at any fault, because some files mark
 * frames as key frames that are not; false to decode the file from its beginning
 * @returns number of each frame and its height × width × 3 bytes, in order. Do not use any frame before the last one has arrived: the
 * check of the times comes at the end.
 * @throws ProblemError video-damaged, video-timeout, video-too-large or server-busy; the signal's reason when it aborts
 */
export async function* decodeFrames(
  file: KnownVideoFile,
  video: ProbedVideo,
  indices: number[],
  { seek, signal }: { seek: boolean; signal: AbortSignal },
): AsyncGenerator<{ index: number; bytes: Buffer }> {
  const [from] = indices;
  const to = indices.at(-1);
  if (from === undefined || to === undefined) return;
  const expected = video.ticks.slice(from, to + 1);
  const chosen = new Set(indices);
  const wanted = video.ticks.filter((_, index) => chosen.has(index));
  const args = decoderOptions(file, video, wanted, seek);
  const memoryBytes = decodingMemory(file.samples, video.size.width * video.size.height);
  const tool = startToolWithNotes(file.tools.ffmpeg, args, { ...file, ...file.tools, memoryBytes, signal });
  try {
    const notes = readNotes(tool.notes);
    const numbers = indices.values();
    let count = 0;
    let isCutOff = false;
    for await (const pixels of cut(tool.output, video.size.width * video.size.height * 3)) {
      count += 1;
      const index = numbers.next().value;
      isCutOff = pixels.short;
      if (index === undefined || isCutOff) break;
      yield { index, bytes: pixels.bytes };
    }
    // A program that wrote too much would wait for a reader, so it is killed.
    if (count > indices.length) tool.kill();
    const fault = await tool.end();
    const seen = await notes;
    const wrong = expected.findIndex((tick, i) => seen[i]?.tick !== tick || seen[i]?.width !== video.size.width);
    const isComplete = seen.length === expected.length && count === indices.length && !isCutOff;
    if (!fault && wrong < 0 && isComplete) return;
    throw damaged(file, from + Math.max(0, wrong), fault);
  } finally {
    tool.kill();
  }
}

/** @param wanted times of the requested frames in ticks, rising, at least one */
function decoderOptions(file: KnownVideoFile, video: ProbedVideo, wanted: number[], seek: boolean): string[] {
  const { timeBase, size } = video;
  const [first, last] = [Math.min(...wanted), Math.max(...wanted)];
  const start = (first * timeBase.num) / timeBase.den;
  const clock = ['-fps_mode', 'passthrough', '-enc_time_base', `${timeBase.num}/${timeBase.den}`];
  const raw = ['-noautoscale', ...clock, '-threads', '1', '-c:v', 'rawvideo'];
  // The second output reports the time of each decoded frame and, by its number of bytes, its width.
  const graph = [
    `[0:V:0]trim=start_pts=${first}:end_pts=${last + 1},split[all][each]`,
    `[all]select='${oneOf(wanted)}',scale=flags=bicubic,format=rgb24[pixels]`,
    '[each]crop=iw:2:0:0,scale=flags=bicubic,format=gray[notes]',
  ];
  return [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-xerror', '-filter_complex_threads', '1'],
    // Decoders count padding and scratch space as pixels too.
    ...['-threads', String(THREADS), '-max_pixels', String((size.width + 256) * (size.height + 512))],
    ...['-copyts', '-noautorotate'],
    // Use the file's own times, which need not start at 0. Round up, so that the seek does not miss the key frame
    // itself.
    ...(seek ? ['-err_detect', 'explode', '-seek_timestamp', '1', '-noaccurate_seek', '-ss', microseconds(start)] : []),
    ...inputOptions(file),
    ...['-filter_complex', graph.join(';')],
    ...['-map', '[pixels]', ...raw, '-f', 'rawvideo', 'pipe:1'],
    ...['-map', '[notes]', ...raw, '-f', 'framecrc', 'pipe:3'],
  ];
}

/**
 * Makes a filter expression that is true for these times. It is a tree, because ffmpeg accepts at most 100 terms in a
 * sum.
 */
function oneOf(ticks: number[]): string {
  if (ticks.length === 1) return `eq(pts,${ticks[0]})`;
  const middle = ticks.length >> 1;
  return `if(lt(pts,${ticks[middle]}),${oneOf(ticks.slice(0, middle))},${oneOf(ticks.slice(middle))})`;
}

const microseconds = (seconds: number) => `${Math.ceil(seconds * 1e6)}us`;

/** Reads lines of `stream, dts, pts, duration, bytes, checksum`. */
async function readNotes(notes: Readable): Promise<{ tick: number; width: number }[]> {
  const seen: { tick: number; width: number }[] = [];
  for await (const line of createInterface({ input: notes })) {
    if (line.startsWith('#')) continue;
    // A line that is cut off fits no frame.
    const [, , tick = Number.NaN, , bytes = Number.NaN] = line.split(',').map(Number);
    seen.push({ tick, width: bytes / 2 });
  }
  return seen;
}

/** Splits a stream into pieces of one length. The last piece may be shorter. */
async function* cut(stream: AsyncIterable<Buffer>, length: number): AsyncGenerator<{ bytes: Buffer; short: boolean }> {
  let piece = Buffer.allocUnsafe(length);
  let filled = 0;
  for await (const chunk of stream) {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = rest.copy(piece, filled);
      rest = rest.subarray(taken);
      filled += taken;
      if (filled < length) continue;
      yield { bytes: piece, short: false };
      piece = Buffer.allocUnsafe(length);
      filled = 0;
    }
  }
  if (filled > 0) yield { bytes: piece.subarray(0, filled), short: true };
}

function damaged({ place }: KnownVideoFile, frame: number, cause: Error | undefined): ProblemError {
  const detail =
    'The video is damaged: a frame cannot be decoded, or its time or size differs from what the file states.';
  return new ProblemError('video-damaged', detail, { ...place, frame }, cause);
}
