import { memberOf } from '../../json/member.ts';
import { readJsonBytes } from '../../json/read.ts';
import { quantities } from './quantities.ts';

/** Why a frame has no number: see `readPercentages` and `readStructured`. */
export type UnreadReason = 'not-mentioned' | 'no-number' | 'out-of-range' | 'cut-off' | 'not-json';

/** What a generated text says about one frame: its task completion, 0…100 %, or why it has none. */
export type FrameReading = { value: number; reason: null } | { value: null; reason: UnreadReason };

/** What a generated text says about the frames of its prompt. */
export interface GvlReading {
  /** one for each frame of the prompt: index i is Frame i + 1 */
  frames: FrameReading[];
  /** increasing numbers, from 1, of frames that were given different values. The first value counts. */
  conflicting: number[];
  /** increasing numbers that no frame had */
  unshown: number[];
}

/** Frame and its number, in any case and with markup. A number with a percent sign is none of a frame. */
const MENTION = /(?<![\p{L}\p{N}])frame(s?)[ \t\u00a0#*_`{[(]{0,6}(\d+)(?!\d|[ \t*_`})\]]{0,4}[%％])/giu;

/**
 * Reads the percentages in a generated text. Numbers belong to frames by the frame's number, not by their order.
 *
 * - The text after "Frame N" belongs to Frame N, up to the next "Frame N". Case, leading zeros and markup do not matter: `**frame 03**`,
 *   `Frame #3`. Text after "Frames N" belongs to no frame, nor does text before the first frame.
 * - The first number with a percent sign in it is the value. If it has none, a number directly after the last colon of its first
 *   line is, unless a word follows: "Frame 3: 2 cups" has no value.
 * - A number that does not mean one thing is no value: "40-50%", "40% to 50%", "3/4", "45,5%". Then the frame is `no-number`.
 * - A fraction stays as it is. The authors' own mapper would scale all values to a sum of 100.
 * - If a frame is named several times, its first value counts.
 * - A value outside 0…100 is `out-of-range`. A frame that is not named is `not-mentioned`.
 * - In a text that was cut off, a frame that is not named is `cut-off`, and so is the last one that is named if its number may go on:
 *   "Frame 3: 10" can be the beginning of "Frame 3: 100%".
 *
 * Takes time in proportion to the length of the text, whatever it contains.
 * @param count number of frames in the prompt, ≥ 1
 * @param isCutOff whether the model was stopped before it ended the text
 */
export function readPercentages(text: string, count: number, isCutOff = false): GvlReading {
  const values = new Map<number, number | undefined>();
  const conflicting = new Set<number>();
  const unshown = new Set<number>();
  let unfinished: number | undefined;
  for (const { frame, said, isLast } of segments(text)) {
    if (frame < 1 || frame > count) {
      if (Number.isSafeInteger(frame)) unshown.add(frame);
      continue;
    }
    const isOpen = isCutOff && isLast;
    if (isOpen) unfinished = frame;
    const value = valueIn(said, isOpen);
    const earlier = values.get(frame);
    if (earlier === undefined) values.set(frame, value);
    else if (value !== undefined && value !== earlier) conflicting.add(frame);
  }
  const frames = Array.from({ length: count }, (_, i) => {
    const value = values.get(i + 1);
    if (value === undefined && (unfinished === i + 1 || (isCutOff && !values.has(i + 1)))) return unread('cut-off');
    return values.has(i + 1) ? checked(value) : unread('not-mentioned');
  });
  return { frames, conflicting: increasing(conflicting), unshown: increasing(unshown) };
}

/**
 * Reads a generated text that is JSON of `gvlSchema`. If it is no JSON object, because it was cut off for example, every frame is
 * `not-json`. A missing member is `not-mentioned`, one that is no number `no-number`, and one outside 0…100 `out-of-range`.
 * @param count number of frames in the prompt, ≥ 1
 */
export function readStructured(text: string, count: number): GvlReading {
  const reading = readJsonBytes(Buffer.from(text), 'The text');
  const values = 'value' in reading ? reading.value : undefined;
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    return { frames: Array.from({ length: count }, () => unread('not-json')), conflicting: [], unshown: [] };
  const frames = Array.from({ length: count }, (_, i) => {
    const value = memberOf(values, `${i + 1}`);
    if (value === undefined) return unread('not-mentioned');
    return checked(typeof value === 'number' ? value : undefined);
  });
  const named = Object.keys(values).filter((name) => /^\d{1,9}$/u.test(name));
  const unshown = new Set(named.map(Number).filter((frame) => frame < 1 || frame > count));
  return { frames, conflicting: [], unshown: increasing(unshown) };
}

/** What is said about each frame that is named, in order. The last one reaches to the end of the text. */
function* segments(text: string): Generator<{ frame: number; said: string; isLast: boolean }> {
  let open: { frame: number; start: number } | undefined;
  for (const { 0: match, 1: plural, 2: frame, index } of text.matchAll(MENTION)) {
    if (open) yield { frame: open.frame, said: text.slice(open.start, index), isLast: false };
    open = plural ? undefined : { frame: Number(frame), start: index + match.length };
  }
  if (open) yield { frame: open.frame, said: text.slice(open.start), isLast: true };
}

/**
 * The value in what is said about one frame; it may be out of range.
 * @param isOpen whether more would have been said
 */
function valueIn(said: string, isOpen: boolean): number | undefined {
  for (const { percent, value, compound } of quantities(said)) {
    if (percent) return compound || Number.isNaN(value) ? undefined : value;
  }
  return isOpen && !said.includes('\n') ? undefined : bareValue(said);
}

/** A number without a percent sign: directly after the last colon of the first line, and no word after it. */
function bareValue(said: string): number | undefined {
  const [line = ''] = said.split('\n', 1);
  const end = line.slice(line.lastIndexOf(':'));
  const [first] = quantities(end);
  if (!first || first.compound || Number.isNaN(first.value)) return undefined;
  const isAlone =
    /^:[\s{}()[\]*_`~≈]*[-−]?$/u.test(end.slice(0, first.start)) &&
    !/^[\s}*_`]*(?!percent)\p{L}/iu.test(end.slice(first.end));
  return isAlone ? first.value : undefined;
}

function checked(value: number | undefined): FrameReading {
  if (value === undefined) return unread('no-number');
  return value >= 0 && value <= 100 ? { value, reason: null } : unread('out-of-range');
}

function unread(reason: UnreadReason): FrameReading {
  return { value: null, reason };
}

function increasing(numbers: Set<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
