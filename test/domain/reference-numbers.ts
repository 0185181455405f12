import { readFileSync } from 'node:fs';

/** What numpy, scipy, Pillow and Python give for the method's formulas; reference_numbers.py writes it. */
export const REFERENCE = JSON.parse(
  readFileSync(new URL('../fixtures/reference_numbers.json', import.meta.url), 'utf8'),
) as {
  schedules: { frames: number; fps: number; indices: number[] }[];
  prefix_lengths: { frames: number; count: number; lengths: number[] }[];
  one_decimal: { value: number; text: string }[];
  correlations: { values: number[]; voc: number | null }[];
  interpolations: { lengths: number[]; progress: number[]; frames: number; curve: number[] }[];
  resized: { source: [number, number]; target: [number, number]; sha256: string }[];
};
