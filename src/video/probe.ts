import { createInterface } from 'node:readline';
import type { Warning } from '../../schemas/reward.ts';
import { tooManyFrames } from '../frames/frames.ts';
import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError } from '../problems.ts';
import { readContainer } from './container.ts';
import { probingMemory } from './memory.ts';
import { startTool } from './process.ts';
import { inputOptions, type KnownVideoFile, type VideoFile } from './video-file.ts';

/** The part of a video that is an episode, in seconds on the file's own timeline: from ≤ time < to. */
export interface TimeRange {
  fromS: number | undefined;
  toS: number | undefined;
}

/** A video, and the frames of it that lie in a range. */
export interface ProbedVideo {
  codec: string;
  size: FrameSize;
  /** seconds of one tick, as a fraction */
  timeBase: { num: number; den: number };
  /** presentation times in ticks, rising */
  ticks: number[];
  /** the same in seconds */
  timestampsS: number[];
  /** whether the first of them is the first of the file */
  fromStart: boolean;
  warnings: Warning[];
}

export interface ProbeLimits {
  MAX_FRAMES: number;
  MAX_FRAME_PIXELS: number;
}

const CODECS = ['h264', 'hevc', 'av1', 'vp8', 'vp9', 'mpeg4'];
/** Eight bits, without alpha. */
const PIXELS = /^(?:yuvj?4(?:20|22|44|40)p|nv12|gray|gbrp)$/;

/** LeRobot's own tolerance between a time in its tables and one in a file. */
const TOLERANCE_S = 1e-4;

/**
 * Reads what a video is and when its frames are shown, without decoding them.
 * @throws ProblemError not-a-video, video-unsupported, video-damaged, video-timeout, video-too-large, image-too-large,
 * too-many-frames, no-frames, storage-unavailable or server-busy; the signal's reason when it aborts
 */
export async function probeVideo(
  uploaded: VideoFile,
  range: TimeRange,
  limits: ProbeLimits,
  signal: AbortSignal,
): Promise<{ file: KnownVideoFile; video: ProbedVideo }> {
  const known = await readContainer(uploaded.path, limits.MAX_FRAMES, uploaded.place, signal);
  const file = { ...uploaded, ...known };
  const stream = await readStream(file, limits, signal);
  const times = await readTimes(file, stream, range, limits, signal);
  return { file, video: { ...stream, ...times } };
}

type Stream = Pick<ProbedVideo, 'codec' | 'size' | 'timeBase' | 'warnings'>;

async function readStream(
  file: KnownVideoFile,
  { MAX_FRAME_PIXELS }: ProbeLimits,
  signal: AbortSignal,
): Promise<Stream> {
  const { place } = file;
  const entries =
    'stream=codec_name,width,height,pix_fmt,time_base,color_transfer:stream_side_data=rotation:stream_tags=alpha_mode';
  let text = '';
  for await (const line of probeLines(file, entries, MAX_FRAME_PIXELS, signal)) text += `|${line}`;
  const field = (name: string) => new RegExp(`\\|(?:tag:)?${name}=([^|]*)`, 'i').exec(text)?.[1] ?? '';
  const codec = field('codec_name');
  if (!codec) throw new ProblemError('video-unsupported', 'The file holds no video track that is known.', place);
  if (!CODECS.includes(codec)) {
    const detail = `The video is coded as ${codec.slice(0, 32)}; ${CODECS.join(', ')} are taken.`;
    throw new ProblemError('video-unsupported', detail, place);
  }
  const size = { width: Number(field('width')), height: Number(field('height')) };
  if (size.width * size.height > MAX_FRAME_PIXELS) {
    const detail = `The video is ${size.width}×${size.height}; at most ${MAX_FRAME_PIXELS} pixels are taken. Send a smaller one.`;
    throw new ProblemError('image-too-large', detail, { ...place, limit: MAX_FRAME_PIXELS });
  }
  const [num = 0, den = 0] = field('time_base').split('/').map(Number);
  if (!(size.width > 1 && size.height > 1 && num > 0 && den > 0))
    throw new ProblemError('video-damaged', 'The file does not say its size or its clock.', place);
  const fault = pixelFault(field('pix_fmt'), field('color_transfer'));
  if (fault) throw new ProblemError('video-unsupported', `${fault} Send 8-bit video, or the frames.`, place);
  const warnings: Warning[] = [];
  if (Number(field('rotation')) !== 0) {
    warnings.push({ code: 'orientation-ignored', message: 'The video has a rotation; it was ignored.' });
  }
  if (field('alpha_mode') === '1') {
    warnings.push({ code: 'alpha-dropped', message: 'The video has an alpha channel; it was dropped, not blended.' });
  }
  return { codec, size, timeBase: { num, den }, warnings };
}

/** There is no one right way to make 8-bit RGB of more bits or of a high dynamic range. */
function pixelFault(pixels: string, transfer: string): string | undefined {
  if (/^(?:smpte2084|arib-std-b67)$/.test(transfer)) return 'The video has a high dynamic range.';
  if (PIXELS.test(pixels)) return undefined;
  return `The video’s pixels are ${pixels.slice(0, 32) || 'of an unknown kind'}.`;
}

async function readTimes(
  file: KnownVideoFile,
  { codec, timeBase: { num, den } }: Stream,
  { fromS = Number.NEGATIVE_INFINITY, toS = Number.POSITIVE_INFINITY }: TimeRange,
  { MAX_FRAMES, MAX_FRAME_PIXELS }: ProbeLimits,
  signal: AbortSignal,
): Promise<Pick<ProbedVideo, 'ticks' | 'timestampsS' | 'fromStart'>> {
  const { place } = file;
  const seconds = (tick: number) => (tick * num) / den;
  // A file of milliseconds says 0.033 for 1/30; where the clock is finer, tables still hold noise.
  const tolerance = Math.max(TOLERANCE_S, num / den / 2 + 1e-6);
  const ticks: number[] = [];
  const all = { count: 0, first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY };
  // VP8 keeps pictures that are never shown as packets of their own: only decoding tells.
  const entries = codec === 'vp8' ? 'frame=pts' : 'packet=pts,flags';
  for await (const line of probeLines(file, entries, MAX_FRAME_PIXELS, signal)) {
    const [, text, flags = ''] = /^(?:packet|frame)\|pts=([^|]*)(?:\|flags=([^|]*))?/.exec(line) ?? [];
    // An edit list cuts off what is marked so: it is decoded for others and not shown.
    if (text === undefined || flags.includes('D')) continue;
    const tick = text === 'N/A' ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(tick)) throw new ProblemError('video-damaged', 'A frame has no time.', place);
    all.count += 1;
    all.first = Math.min(all.first, tick);
    all.last = Math.max(all.last, tick);
    const time = seconds(tick) + tolerance;
    if (time < fromS || time >= toS) continue;
    if (ticks.length >= MAX_FRAMES) throw tooManyFrames(MAX_FRAMES, place);
    ticks.push(tick);
  }
  if (all.count === 0) throw new ProblemError('video-damaged', 'The video holds no frame.', place);
  if (ticks.length === 0) {
    const detail = `No frame of the video lies in the range: its first is at ${seconds(all.first)} s, its last at ${seconds(all.last)} s.`;
    throw new ProblemError('no-frames', detail, place);
  }
  ticks.sort((one, other) => one - other);
  const twice = ticks.findIndex((tick, i) => i > 0 && tick === ticks[i - 1]);
  if (twice > 0) {
    const detail = `Two frames of the video have the same time, ${seconds(ticks[twice] as number)} s.`;
    throw new ProblemError('video-damaged', detail, { ...place, frame: twice });
  }
  return { ticks, timestampsS: ticks.map(seconds), fromStart: ticks[0] === all.first };
}

/** What ffprobe says of the first video track, line by line. */
async function* probeLines(
  file: KnownVideoFile,
  entries: string,
  maxPixels: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // The exact limit is held against the header; this one bounds decoders, who count padding and scratch space too.
  const args = ['-v', 'error', '-threads', '1', '-max_pixels', String(2 * maxPixels + 2 ** 20), ...inputOptions(file)];
  const tool = startTool(
    file.tools.ffprobe,
    [...args, '-select_streams', 'V:0', '-show_entries', entries, '-of', 'compact'],
    { ...file, ...file.tools, memoryBytes: probingMemory(file.samples, maxPixels), signal },
  );
  try {
    yield* createInterface({ input: tool.output, crlfDelay: Number.POSITIVE_INFINITY });
    const fault = await tool.end();
    if (fault)
      throw new ProblemError('video-damaged', 'The file is damaged: its tracks cannot be read.', file.place, fault);
  } finally {
    tool.kill();
  }
}
