import type { FrameSize } from '../../schemas/reward.ts';

/**
 * Makes a portable pixmap (PPM): plain pixels after a short header.
 * @param pixels height × width × 3 bytes, red first
 * @returns the file, in memory of its own
 */
export function pixmap(pixels: Uint8Array, { width, height }: FrameSize): Buffer<ArrayBuffer> {
  const head = Buffer.from(`P6\n${width} ${height}\n255\n`);
  const file = Buffer.allocUnsafeSlow(head.length + pixels.length);
  file.set(head);
  file.set(pixels, head.length);
  return file;
}
