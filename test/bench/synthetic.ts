import sharp from 'sharp';
import type { FrameSize } from '../../schemas/reward.ts';

/** Pseudorandom numbers in 0…1. The same seed gives the same numbers (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Makes the files of an episode that resembles a robot episode: discs that move over a textured background, with noise.
 * Each seed gives different pixels everywhere.
 */
export async function syntheticEpisode(
  seed: number,
  count: number,
  size: FrameSize,
  format: 'jpeg' | 'png',
): Promise<Buffer[]> {
  const random = randomFrom(seed);
  const ground = texture(random, size);
  const discs = Array.from({ length: 7 }, () => disc(random, size));
  const files: Buffer[] = [];
  for (let frame = 0; frame < count; frame += 1) {
    const pixels = Buffer.from(ground);
    for (const draw of discs) draw(pixels, frame);
    const image = sharp(pixels, { raw: { ...size, channels: 3 } });
    files.push(await (format === 'jpeg' ? image.jpeg({ quality: 95 }) : image.png({ compressionLevel: 1 })).toBuffer());
  }
  return files;
}

const TILE = 24;
/** Noise in grey levels. With it a frame has about as many bytes as a real one: 1.3 per pixel as PNG, 0.2 as JPEG. */
const GRAIN = 3;

/** Makes tiles of many colours, with noise. */
function texture(random: () => number, { width, height }: FrameSize): Buffer {
  const columns = Math.ceil(width / TILE);
  const tiles = Array.from({ length: columns * Math.ceil(height / TILE) }, () =>
    Array.from({ length: 3 }, () => 40 + 170 * random()),
  );
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const tile = tiles[Math.floor(y / TILE) * columns + Math.floor(x / TILE)] as number[];
      const grain = GRAIN * random();
      for (let c = 0; c < 3; c += 1) pixels[(y * width + x) * 3 + c] = (tile[c] as number) + grain;
    }
  }
  return pixels;
}

/** Makes a disc of one colour on a slow orbit. @returns a function that draws it */
function disc(random: () => number, { width, height }: FrameSize): (pixels: Buffer, frame: number) => void {
  const side = Math.min(width, height);
  const radius = side * (0.04 + 0.1 * random());
  const colour = [255 * random(), 255 * random(), 255 * random()];
  const [centreX, centreY] = [width * (0.3 + 0.4 * random()), height * (0.3 + 0.4 * random())];
  const [orbit, phase, speed] = [side * (0.1 + 0.2 * random()), 6.3 * random(), 0.05 + 0.2 * random()];
  return (pixels, frame) => {
    const x0 = centreX + orbit * Math.cos(phase + speed * frame);
    const y0 = centreY + orbit * Math.sin(phase + speed * frame);
    for (let y = Math.max(0, Math.ceil(y0 - radius)); y < Math.min(height, y0 + radius); y += 1) {
      for (let x = Math.max(0, Math.ceil(x0 - radius)); x < Math.min(width, x0 + radius); x += 1) {
        if ((x - x0) ** 2 + (y - y0) ** 2 > radius ** 2) continue;
        for (let c = 0; c < 3; c += 1) pixels[(y * width + x) * 3 + c] = colour[c] as number;
      }
    }
  };
}
