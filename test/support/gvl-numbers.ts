import { readFileSync } from 'node:fs';

/** Results of numpy, Pillow, torchvision and transformers for the method GVL. gvl_numbers.py writes them. */
export const GVL_NUMBERS = JSON.parse(
  readFileSync(new URL('../fixtures/gvl_numbers.json', import.meta.url), 'utf8'),
) as {
  permutations: { seed: number; count: number; order: number[] }[];
  even_frames: { frames: number; count: number; selected: number[] }[];
  /** SHA-256 of the pixels of the test image, 256×256 px, red first */
  pixels: { source: [number, number]; sha256: string }[];
  /** SHA-256 of the test image after torchvision resized its bytes; sizes are width, height */
  torch: { source: [number, number]; target: [number, number]; sha256: string }[];
};
