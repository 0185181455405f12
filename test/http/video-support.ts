import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, type Part, postParts } from '../support/forms.ts';
import { INSTRUCTION, stubEngine } from '../support/stub-engine.ts';

export const NATIVE = { instruction: INSTRUCTION, frame_size: 'native' };
export const videoPart = (path: string): Part => ({ name: 'video', content: readFileSync(path), filename: 'x.mp4' });

export const X264 = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-preset', 'veryfast', '-bf', '3', '-crf', '18'];
export const AV1 = ['-c:v', 'libsvtav1', '-preset', '10', '-crf', '25', '-pix_fmt', 'yuv420p'];

/** Times of frames at a constant rate, in seconds. */
export const even = (from: number, to: number, fps: number) =>
  Array.from({ length: to - from }, (_, i) => (from + i) / fps);

/** The app with ffmpeg, and functions that score a video file. */
export async function videoApp(t: Test) {
  const engine = stubEngine();
  const app = await buildTestApp(t, { PATH: process.env['PATH'] as string }, engine);
  const asked = (path: string, more: object = {}) =>
    postParts(app, [episodePart({ ...NATIVE, ...more }), videoPart(path)]);

  /** Scores a video. @returns the result, the times of all frames, the sampled indices and the pixels sent to the engine */
  async function seen(t: Test, path: string, more: object = {}) {
    const result = resultOf(t, await asked(path, more));
    const { video, sampled_frame_indices: sampled } = result.provenance;
    const pixels = engine.calls.at(-1)?.pixels as Map<number, Buffer>;
    t.strictSame([...pixels.keys()], sampled, 'the engine receives only the sampled frames');
    return { result, times: video?.timestamps_s as number[], sampled, pixels, warnings: result.warnings };
  }

  return { app, asked, seen };
}
