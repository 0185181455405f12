import { readFileSync } from 'node:fs';

/** Numbers that test/engine/published.py wrote: the published pipeline in numpy, Pillow, torch and torchvision. */
interface PublishedNumbers {
  frames: { length: number; positions: number[]; times: string[] }[];
  sides: { count: number; side: number }[];
  /** RGB values of the test image at some places, by side of the result */
  pixels: { source: [number, number]; places: [number, number][]; values: Record<string, [number, number, number][]> };
}

export const PUBLISHED: PublishedNumbers = JSON.parse(
  readFileSync(new URL('../fixtures/published_numbers.json', import.meta.url), 'utf8'),
);
