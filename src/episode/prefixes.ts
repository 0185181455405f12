import { DEFAULTS } from '../../schemas/defaults.ts';
import type { PrefixSelection } from '../../schemas/episode.ts';
import { firstNotRising } from './rising.ts';

/**
 * Lengths of the prefixes to score, in raw frames.
 * `count` follows the authors' code: this many values of numpy.linspace(1, N), truncated to integers, unique; only N if N ≤ 2.
 * @param frameCount raw frames in the episode, ≥ 1
 * @param selection at most one of its members; none means `count: 15`
 * @returns increasing lengths in 1…frameCount; `lengths` is returned unchanged, so check it with `prefixLengthFault`
 */
export function prefixLengths(frameCount: number, selection: PrefixSelection = {}): number[] {
  if (selection.lengths) return selection.lengths;
  if (selection.every) return everyLengths(frameCount, selection.every);
  if (selection.last) return range(Math.max(1, frameCount - selection.last + 1), frameCount);
  return evenLengths(frameCount, selection.count ?? DEFAULTS.prefix_count);
}

/**
 * Checks a selection of prefixes for an episode with this many frames.
 * @returns a pointer below `prefixes` and a message, or undefined if the selection is valid
 */
export function prefixLengthFault(
  frameCount: number,
  selection: PrefixSelection = {},
): { pointer: string; detail: string } | undefined {
  const named = Object.keys(selection);
  if (named.length > 1)
    return {
      pointer: '',
      detail: `Send one of \`count\`, \`every\`, \`lengths\` and \`last\`, not ${named.join(' and ')}.`,
    };
  const { lengths } = selection;
  if (!lengths) return undefined;
  const tooLong = lengths.findIndex((length) => length > frameCount);
  if (tooLong >= 0) {
    const detail = `Prefix length ${lengths[tooLong]} is larger than the number of frames in the episode, ${frameCount}.`;
    return { pointer: `/lengths/${tooLong}`, detail };
  }
  const falling = firstNotRising(lengths);
  if (falling < 0) return undefined;
  return { pointer: `/lengths/${falling}`, detail: 'Each prefix length must be larger than the one before it.' };
}

function evenLengths(frameCount: number, count: number): number[] {
  if (frameCount <= 2) return [frameCount];
  const wanted = Math.min(count, frameCount);
  const step = (frameCount - 1) / (wanted - 1);
  const lengths = Array.from({ length: wanted }, (_, i) => Math.trunc(i * step + 1));
  lengths[wanted - 1] = frameCount;
  return [...new Set(lengths)];
}

function everyLengths(frameCount: number, every: number): number[] {
  const whole = Array.from({ length: Math.floor(frameCount / every) }, (_, i) => (i + 1) * every);
  return whole.at(-1) === frameCount ? whole : [...whole, frameCount];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
