import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { TimeRange } from '../../src/episode/time-range.ts';
import { type ProbeLimits, probeVideo } from '../../src/video/probe.ts';
import { forgedMp4 } from '../support/mp4.ts';

const place = { part: 'video' };
const LIMITS = { MAX_FRAMES: 100, MAX_FRAME_SIDE: 4096, MAX_FRAME_PIXELS: 4096 * 4096 } as ProbeLimits;
const EVERYTHING: TimeRange = { fromS: undefined, toS: undefined };

/** What the stand-in for ffprobe prints about the video track and about its frames. */
interface Printed {
  stream?: Record<string, string>;
  times?: string[];
  /** shell commands that replace the program */
  program?: string;
}

const STREAM = { codec_name: 'h264', width: '64', height: '48', pix_fmt: 'yuv420p', time_base: '1/1000' };
const packet = (tick: number | string, flags = 'K__') => `packet|pts=${tick}|flags=${flags}`;

/** Probes a video whose ffprobe prints these lines. The lines have the form of `ffprobe -of compact`. */
function probe(
  t: Test,
  { stream = {}, times = [0, 40, 80].map((tick) => packet(tick)), program }: Printed,
  {
    range = EVERYTHING,
    limits = {},
    signal = new AbortController().signal,
    timeoutS = 60,
  }: { range?: Partial<TimeRange>; limits?: Partial<ProbeLimits>; signal?: AbortSignal; timeoutS?: number } = {},
) {
  const folder = t.testdir();
  const path = join(folder, 'video');
  writeFileSync(path, forgedMp4());
  const fields = Object.entries({ ...STREAM, ...stream }).map(([name, value]) => `${name}=${value}`);
  const printed = (name: string, lines: string[]) => {
    writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''));
    return `/bin/cat ${join(folder, name)}`;
  };
  const lines = [
    'case "$*" in',
    `*stream=*) ${printed('stream', [['stream', ...fields].join('|')])} ;;`,
    `*=pts*) echo "$*" > ${join(folder, 'arguments')}; ${printed('times', times)} ;;`,
    'esac',
  ];
  const ffprobe = join(folder, 'ffprobe');
  writeFileSync(ffprobe, `#!/bin/sh\n${program ?? lines.join('\n')}\n`);
  chmodSync(ffprobe, 0o755);
  const tools = { ffmpeg: '/nowhere', ffprobe, version: '7.0', prlimit: undefined };
  const file = { path, folder, bytes: 1000, tools, timeoutS, place };
  return probeVideo(file, { ...EVERYTHING, ...range }, { ...LIMITS, ...limits }, signal);
}

t.test('codec, size, clock and times are read, in the order of presentation', async (t) => {
  const times = [0, 120, 40, 80].map((tick) => packet(tick));
  const { file, video } = await probe(t, { times });
  t.match(file, { container: 'mov', samples: 1, place });
  t.strictSame(video, {
    codec: 'h264',
    size: { width: 64, height: 48 },
    timeBase: { num: 1, den: 1000 },
    warnings: [],
    ticks: [0, 40, 80, 120],
    timestampsS: [0, 0.04, 0.08, 0.12],
    fromStart: true,
  });
});

t.test('a rotation and an alpha channel are warnings', async (t) => {
  const codes = async (stream: Record<string, string>) =>
    (await probe(t, { stream })).video.warnings.map(({ code }) => code);
  t.strictSame(await codes({ rotation: '-90' }), ['orientation-ignored']);
  t.strictSame(await codes({ rotation: '0' }), []);
  t.strictSame(await codes({ 'tag:ALPHA_MODE': '1' }), ['alpha-dropped']);
  t.strictSame(await codes({ rotation: '180', 'tag:alpha_mode': '1' }), ['orientation-ignored', 'alpha-dropped']);
});

t.test('a video that cannot be converted to 8-bit RGB in one way only is refused, with what it is', async (t) => {
  for (const [stream, code, message] of [
    [{ codec_name: '' }, 'video-unsupported', /no video track/],
    [{ codec_name: 'prores' }, 'video-unsupported', /is prores\. Accepted codecs are h264, /],
    [{ codec_name: 'x'.repeat(100) }, 'video-unsupported', /is x{32}\. /],
    [{ pix_fmt: 'yuv420p10le' }, 'video-unsupported', /pixel format of the video is yuv420p10le\. Send 8-bit/],
    [{ pix_fmt: '' }, 'video-unsupported', /is unknown/],
    [{ color_transfer: 'smpte2084' }, 'video-unsupported', /HDR/],
    [{ color_transfer: 'arib-std-b67' }, 'video-unsupported', /HDR/],
    [{ width: '0' }, 'video-damaged', /does not state its frame size/],
    [{ time_base: '0/0' }, 'video-damaged', /or its time base/],
    [{ time_base: '' }, 'video-damaged', /or its time base/],
    [{ width: '5000' }, 'image-too-large', /5000/],
  ] as const)
    await t.rejects(probe(t, { stream }), { code, message, place }, JSON.stringify(stream));
  for (const pix_fmt of ['yuvj420p', 'yuv444p', 'nv12', 'gray', 'gbrp'])
    t.equal((await probe(t, { stream: { pix_fmt } })).video.codec, 'h264', pix_fmt);
});

t.test('frames outside the edit list do not count', async (t) => {
  const times = [packet(-40, 'KD_'), packet('N/A', '_D_'), packet(0), packet(40, '___')];
  t.match((await probe(t, { times })).video, { ticks: [0, 40], fromStart: true });
});

t.test('the hidden frames of VP8 do not count: frames are read, not packets', async (t) => {
  const times = ['frame|pts=0', 'frame|pts=33', 'side_data|other=1'];
  t.match((await probe(t, { stream: { codec_name: 'vp8' }, times })).video, { ticks: [0, 33] });
});

t.test('times that cannot be true are refused', async (t) => {
  const wrong = (times: string[]) => probe(t, { times });
  await t.rejects(wrong([packet(0), packet('N/A')]), { code: 'video-damaged', message: /has no time/ });
  await t.rejects(wrong([packet(0), packet('1e300')]), { code: 'video-damaged', message: /has no time/ });
  await t.rejects(wrong([]), { code: 'video-damaged', message: /contains no frames/ });
  await t.rejects(wrong([packet(0), packet(80), packet(40), packet(40)]), {
    code: 'video-damaged',
    message: /the same time, 0\.04 s/,
    place: { ...place, frame: 2 },
  });
});

t.test('a time range selects frames, with the tolerance of half a tick', async (t) => {
  const times = [0, 33, 67, 100].map((tick) => packet(tick));
  const within = async (fromS: number, toS: number) => (await probe(t, { times }, { range: { fromS, toS } })).video;
  t.match(await within(1 / 30, 3 / 30), { ticks: [33, 67], fromStart: false });
  t.match(await within(0, 0.001), { ticks: [0], fromStart: true });
  await t.rejects(within(1, 2), {
    code: 'no-frames',
    message: /Its first frame is at 0 s, its last at 0\.1 s\./,
    place,
  });
});

t.test('a fine clock has the tolerance of LeRobot', async (t) => {
  const times = [0, 1_000_050].map((tick) => packet(tick));
  const stream = { time_base: '1/1000000' };
  const from = async (fromS: number) => (await probe(t, { stream, times }, { range: { fromS } })).video.ticks;
  t.strictSame(await from(1.0001), [1_000_050]);
  await t.rejects(from(1.0003), { code: 'no-frames' });
});

t.test('only frames within the range count for the limit', async (t) => {
  const times = Array.from({ length: 10 }, (_, i) => packet(100 * i));
  const limits = { MAX_FRAMES: 5 };
  await t.rejects(probe(t, { times }, { limits }), { code: 'too-many-frames', place: { limit: 5 } });
  t.equal((await probe(t, { times }, { limits, range: { fromS: 0.5 } })).video.ticks.length, 5);
});

t.test('a program that fails, does not start or does not end is a problem', async (t) => {
  await t.rejects(probe(t, { program: 'echo broken >&2; exit 1' }), {
    code: 'video-damaged',
    place,
    cause: { message: 'broken' },
  });
  await t.rejects(probe(t, { program: 'exit 127' }), { code: 'server-busy' });
  await t.rejects(probe(t, { program: 'echo "Cannot allocate memory" >&2; exit 1' }), { code: 'video-too-large' });
  await t.rejects(probe(t, { program: 'exec /bin/sleep 60' }, { timeoutS: 0.05 }), {
    code: 'video-timeout',
    place: { limit: 0.05 },
  });
  const gone = new AbortController();
  const probing = probe(t, { program: 'exec /bin/sleep 60' }, { signal: gone.signal });
  setTimeout(() => gone.abort(new Error('gone')), 20);
  await t.rejects(probing, { message: 'gone' });
});
