import { createInterface } from 'node:readline';
import type { FrameSize } from '../../schemas/reward.ts';
import type { TimeRange } from '../episode/time-range.ts';
import { tooManyFrames } from '../frames/frames.ts';
import { checkSizeLimits, type SizeLimits } from '../frames/size-limits.ts';
import { ProblemError } from '../problems/problems.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import { readContainer } from './container.ts';
import { probingMemory } from './memory.ts';
import { startTool } from './process.ts';
import { inputOptions, type KnownVideoFile, type VideoFile } from './video-file.ts';

/** A video, and its frames in a time range. */
export interface ProbedVideo {
  codec: string;
  size: FrameSize;
  /** length of one tick in seconds, as a fraction */
  timeBase: { num: number; den: number };
  /** presentation times of the frames in ticks, rising */
  ticks: number[];
  /** the same times in seconds */
  timestampsS: number[];
  /** true if the first of these frames is the first frame of the file */
  fromStart: boolean;
  warnings: EpisodeWarning[];
}

/** Limits for a video. */
export interface ProbeLimits extends SizeLimits {
  MAX_FRAMES: number;
}

const CODECS = ['h264', 'hevc', 'av1', 'vp8', 'vp9', 'mpeg4'];
/** Accepted pixel formats: eight bits, without alpha. */
const PIXELS = /^(?:yuvj?4(?:20|22|44|40)p|nv12|gray|gbrp)$/;

/** LeRobot's own tolerance between a time in its tables and a time in a file. */
const TOLERANCE_S = 1e-4;

/**
 * Reads the codec and size of a video, and the times of its frames, without decoding them.
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

async function readStream(file: KnownVideoFile, limits: ProbeLimits, signal: AbortSignal): Promise<Stream> {
  const { place } = file;
  const entries =
    'stream=codec_name,width,height,pix_fmt,time_base,color_transfer:stream_side_data=rotation:stream_tags=alpha_mode';
  let text = '';
  for await (const line of probeLines(file, entries, limits.MAX_FRAME_PIXELS, signal)) text += `|${line}`;
  const field = (name: string) => new RegExp(`\\|(?:tag:)?${name}=([^|]*)`, 'i').exec(text)?.[1] ?? '';
  const codec = field('codec_name');
  if (!codec)
    throw new ProblemError('video-unsupported', 'The file has no video track that this server can read.', place);
  if (!CODECS.includes(codec)) {
    const detail = `The codec of the video is ${codec.slice(0, 32)}. Accepted codecs are ${CODECS.join(', ')}.`;
    throw new ProblemError('video-unsupported', detail, place);
  }
  const size = { width: Number(field('width')), height: Number(field('height')) };
  checkSizeLimits(size, limits, place);
  const [num = 0, den = 0] = field('time_base').split('/').map(Number);
  if (!(size.width > 1 && size.height > 1 && num > 0 && den > 0))
    throw new ProblemError('video-damaged', 'The file does not state its frame size or its time base.', place);
  const fault = pixelFault(field('pix_fmt'), field('color_transfer'));
  if (fault) throw new ProblemError('video-unsupported', `${fault} Send 8-bit video, or the frames as images.`, place);
  const warnings: EpisodeWarning[] = [];
  if (Number(field('rotation')) !== 0) {
    warnings.push({ code: 'orientation-ignored', message: 'The video has a rotation. It was ignored.' });
  }
  if (field('alpha_mode') === '1') {
    warnings.push({ code: 'alpha-dropped', message: 'The video has an alpha channel. It was dropped, not blended.' });
  }
  return { codec, size, timeBase: { num, den }, warnings };
}

/** Refuses more than 8 bits and HDR, because there is more than one way to convert them to 8-bit RGB. */
function pixelFault(pixels: string, transfer: string): string | undefined {
  if (/^(?:smpte2084|arib-std-b67)$/.test(transfer)) return 'The video has a high dynamic range (HDR).';
  if (PIXELS.test(pixels)) return undefined;
  return `The pixel format of the video is ${pixels.slice(0, 32) || 'unknown'}.`;
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
  // A file with a clock of milliseconds has 0.033 s for 1/30 s. With a finer clock, times in LeRobot's tables still
  // contain noise.
  const tolerance = Math.max(TOLERANCE_S, num / den / 2 + 1e-6);
  const ticks: number[] = [];
  const all = { count: 0, first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY };
  // VP8 stores hidden frames as separate packets, and only decoding tells which they are.
  const entries = codec === 'vp8' ? 'frame=pts' : 'packet=pts,flags';
  for await (const line of probeLines(file, entries, MAX_FRAME_PIXELS, signal)) {
    const [, text, flags = ''] = /^(?:packet|frame)\|pts=([^|]*)(?:\|flags=([^|]*))?/.exec(line) ?? [];
    // The flag D marks frames outside the edit list: they are only decoded because other frames depend on them.
    if (text === undefined || flags.includes('D')) continue;
    const tick = text === 'N/A' ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(tick))
      throw new ProblemError('video-damaged', 'A frame of the video has no time.', place);
    all.count += 1;
    all.first = Math.min(all.first, tick);
    all.last = Math.max(all.last, tick);
    const time = seconds(tick) + tolerance;
    if (time < fromS || time >= toS) continue;
    if (ticks.length >= MAX_FRAMES) throw tooManyFrames(MAX_FRAMES, place);
    ticks.push(tick);
  }
  if (all.count === 0) throw new ProblemError('video-damaged', 'The video contains no frames.', place);
  if (ticks.length === 0) {
    const detail = `No frame of the video is in the time range. Its first frame is at ${seconds(all.first)} s, its last at ${seconds(all.last)} s.`;
    throw new ProblemError('no-frames', detail, place);
  }
  ticks.sort((one, other) => one - other);
  const repeated = ticks.entries().find(([i, tick]) => tick === ticks[i - 1]);
  if (repeated) {
    const [frame, tick] = repeated;
    const detail = `Two frames of the video have the same time, ${seconds(tick)} s.`;
    throw new ProblemError('video-damaged', detail, { ...place, frame });
  }
  return { ticks, timestampsS: ticks.map(seconds), fromStart: ticks[0] === all.first };
}

/** Runs ffprobe on the first video track and yields the lines of its output. */
async function* probeLines(
  file: KnownVideoFile,
  entries: string,
  maxPixels: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // The exact limit is checked against the header. This limit is for decoders, which also count padding and scratch
  // space.
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
