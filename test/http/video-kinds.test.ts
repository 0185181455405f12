import t from 'tap';
import { comparable, resultOf } from '../support/answers.ts';
import { episodePart, framePart, postParts } from '../support/forms.ts';
import { needing } from '../support/needs.ts';
import { framesOf, makeVideo, numberShown } from '../support/videos.ts';
import { AV1, even, NATIVE, videoApp, X264 } from './video-support.ts';

const needs = needing('ffmpeg');

const { app, seen } = await videoApp(t);

const KINDS: [what: string, type: 'mp4' | 'webm' | 'mkv', args: string[]][] = [
  ['H.264 with B-frames', 'mp4', [...X264, '-g', '12']],
  ['H.264 with open groups', 'mp4', [...X264, '-x264-params', 'open-gop=1:keyint=12:min-keyint=12']],
  ['H.264 with intra refresh', 'mp4', [...X264, '-bf', '0', '-x264-params', 'intra-refresh=1:keyint=12']],
  ['H.264 with one key frame', 'mp4', [...X264, '-g', '1000']],
  ['H.264 in fragments', 'mp4', [...X264, '-g', '12', '-movflags', 'frag_keyframe+empty_moov']],
  ['H.264 without edit list', 'mp4', [...X264, '-g', '12', '-use_editlist', '0']],
  ['H.264 in Matroska', 'mkv', [...X264, '-g', '12']],
  ['H.265', 'mp4', ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=12', '-pix_fmt', 'yuv420p']],
  ['VP8', 'webm', ['-c:v', 'libvpx', '-b:v', '1M', '-g', '12']],
  ['VP9', 'webm', ['-c:v', 'libvpx-vp9', '-b:v', '1M', '-g', '12', '-cpu-used', '8']],
  ['AV1 as LeRobot has it', 'mp4', [...AV1, '-g', '2']],
  ['AV1 with long groups', 'mkv', [...AV1, '-g', '24']],
  ['MPEG-4', 'mp4', ['-c:v', 'mpeg4', '-qscale:v', '2', '-bf', '2', '-g', '12']],
];

for (const [what, type, args] of KINDS) {
  t.test(`${what}: a video has the result of its frames, complete and in a range`, needs, async (t) => {
    const path = makeVideo(t, { type, args, count: 50 });
    const files = framesOf(path);
    t.equal(files.length, 50);
    const whole = await seen(t, path);
    // In a file with times in milliseconds, or with a late start, times are not exact multiples of the frame period.
    const start = whole.times[0] as number;
    t.same(
      whole.times.map((time) => Math.round((time - start) * 1000)),
      even(0, 50, 10).map((time) => Math.round(time * 1000)),
    );
    for (const [from, to] of [
      [0, 50],
      [11, 41],
      [37, 38],
    ] as [number, number][]) {
      const range = { from_s: start + from / 10, to_s: start + to / 10 };
      const { result, times, sampled, pixels } = from === 0 ? whole : await seen(t, path, range);
      t.strictSame(times, whole.times.slice(from, to));
      t.strictSame(
        sampled.map((index) => numberShown(pixels.get(index) as Buffer)),
        sampled.map((index) => from + index),
      );
      const episode = episodePart({ ...NATIVE, timestamps_s: times });
      const posted = resultOf(t, await postParts(app, [episode, ...files.slice(from, to).map(framePart)]));
      const { video: _, ...provenance } = result.provenance;
      t.strictSame({ ...comparable(result), provenance }, comparable(posted), `${from} to ${to}`);
    }
  });
}
