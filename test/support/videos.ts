import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { testPixels } from './images.ts';

export const SIZE = { width: 80, height: 64 };

interface VideoOptions {
  count?: number;
  fps?: number;
  /** encoder and container options */
  args: string[];
  /** extension of the file name */
  type: 'mp4' | 'webm' | 'mkv' | 'avi';
  width?: number;
  height?: number;
  /** filters before the encoder, for example to change the times */
  filter?: string;
}

/** Lossless encoding: the decoded pixels equal the source pixels. */
export const LOSSLESS = ['-c:v', 'libx264rgb', '-qp', '0', '-preset', 'ultrafast'];

/** One frame of a test video: its number as black and white bars, and a moving pattern. @returns height × width × 3 bytes */
export function numberedPixels(number: number, size = SIZE): Buffer {
  const pixels = testPixels({ ...size, seed: number });
  const bar = size.width / 16;
  for (let y = 0; y < size.height / 2; y += 1) {
    for (let x = 0; x < size.width; x += 1) {
      const bit = (number >> Math.floor(x / bar)) & 1;
      pixels.fill(bit ? 235 : 20, (y * size.width + x) * 3, (y * size.width + x) * 3 + 3);
    }
  }
  return pixels;
}

/** Reads the number of a decoded frame from its bars. */
export function numberShown(pixels: Buffer, size = SIZE): number {
  const bar = size.width / 16;
  const row = Math.floor(size.height / 4) * size.width;
  return Array.from({ length: 16 }, (_, bit) => {
    const at = (row + Math.floor((bit + 0.5) * bar)) * 3;
    return (pixels[at] as number) > 128 ? 2 ** bit : 0;
  }).reduce((sum, bit) => sum + bit, 0);
}

/** Encodes numbered frames. @returns the path of the file */
export function makeVideo(t: Test, options: VideoOptions): string {
  const { count = 40, fps = 10, args, type, width = SIZE.width, height = SIZE.height, filter } = options;
  const size = { width, height };
  const folder = mkdtempSync(join(tmpdir(), 'video-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, `video.${type}`);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0'];
  const filters = filter ? ['-vf', filter, '-fps_mode', 'passthrough'] : [];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...raw, ...filters, ...args, path], {
    input: Buffer.concat(Array.from({ length: count }, (_, number) => numberedPixels(number, size))),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return path;
}

/** Encodes 120 frames of VP8 in two passes, so that the file contains hidden reference frames too. @returns its path */
export function hiddenPictures(t: Test): string {
  const source = makeVideo(t, { type: 'mp4', args: LOSSLESS, count: 120 });
  const coded = ['-c:v', 'libvpx', '-b:v', '100k', '-auto-alt-ref', '1', '-lag-in-frames', '16'];
  const pass = (number: number, target: string[]) =>
    execFileSync(
      'ffmpeg',
      ['-v', 'error', '-i', source, ...coded, '-pass', String(number), '-passlogfile', source, ...target],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
  pass(1, ['-f', 'null', '-']);
  pass(2, [`${source}.webm`]);
  return `${source}.webm`;
}

/** Number of packets in the first video track of a file. */
export function packetsOf(path: string): number {
  const args = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts', '-of', 'csv=p=0', path];
  return execFileSync('ffprobe', args).toString().trim().split('\n').length;
}

/** Writes a video to a new file without decoding it. @returns the path of the new file */
export function remux(path: string, before: string[], after: string[], type: VideoOptions['type'] = 'mp4'): string {
  const target = `${path}.${type}`;
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...before, '-i', path, '-c', 'copy', ...after, target], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return target;
}

/** Extracts every frame of a video as a PNG file, with plain ffmpeg. */
export function framesOf(path: string): Buffer[] {
  const pattern = `${path}.%05d.png`;
  execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-fps_mode', 'passthrough', pattern], { stdio: 'pipe' });
  const files: Buffer[] = [];
  for (let number = 1; ; number += 1) {
    try {
      files.push(readFileSync(pattern.replace('%05d', String(number).padStart(5, '0'))));
    } catch {
      return files;
    }
  }
}

/** Uploads in a folder of temporary files, from any process. */
export function uploadsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^topreward-.{6}$/.test(name))
    .flatMap((name) => readdirSync(join(folder, name)).map((upload) => join(folder, name, upload)))
    .filter((path) => path.includes('/upload-'));
}
