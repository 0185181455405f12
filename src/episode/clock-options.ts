import type { Episode } from '../../schemas/episode.ts';
import { ProblemError } from '../problems/problems.ts';
import type { Clock } from './clock.ts';
import { firstNotRising } from './rising.ts';
import type { TimeRange } from './time-range.ts';

/** Longest episode: three years. Longer times are in a wrong unit, and they would not fit into the time of a block. */
const MAX_SPAN_S = 1e8;

/**
 * The clock of an episode.
 * @param pointer JSON pointer to the episode in the request
 * @returns undefined if the episode has none, as for a video
 * @throws ProblemError ambiguous-clock or invalid-timestamps
 */
export function clockOf({ fps, timestamps_s: timestampsS }: Episode, pointer: string): Clock | undefined {
  if (fps !== undefined && timestampsS !== undefined) {
    throw new ProblemError('ambiguous-clock', 'Send `fps` or `timestamps_s`, not both.', {
      pointer: `${pointer}/timestamps_s`,
    });
  }
  if (fps !== undefined) return { fps };
  if (timestampsS === undefined) return undefined;
  const falling = firstNotRising(timestampsS);
  if (falling > 0) {
    const detail = `Timestamp ${falling} (${timestampsS[falling]} s) is not later than the one before it.`;
    throw new ProblemError('invalid-timestamps', detail, {
      pointer: `${pointer}/timestamps_s/${falling}`,
      frame: falling,
    });
  }
  const span = (timestampsS.at(-1) ?? 0) - (timestampsS[0] ?? 0);
  if (span > MAX_SPAN_S) {
    const detail = `The timestamps span ${span} s; the limit is ${MAX_SPAN_S} s. Send them in seconds.`;
    throw new ProblemError('invalid-timestamps', detail, { pointer: `${pointer}/timestamps_s`, limit: MAX_SPAN_S });
  }
  return { timestampsS };
}

/**
 * The range of a video that the episode is cut from.
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-range
 */
export function rangeOf({ from_s: fromS, to_s: toS }: Episode, pointer: string): TimeRange {
  if (fromS !== undefined && toS !== undefined && fromS >= toS) {
    const detail = `The range ends at ${toS} s, but it starts at ${fromS} s. \`to_s\` must be later than \`from_s\`.`;
    throw new ProblemError('invalid-range', detail, { pointer: `${pointer}/to_s` });
  }
  return { fromS, toS };
}

/**
 * Returns the clock of frames that were not sent as a video.
 * @throws ProblemError missing-clock; invalid-range if the options have a range of a video
 */
export function givenClock({ clock, range }: { clock: Clock | undefined; range: TimeRange }, pointer: string): Clock {
  if (range.fromS !== undefined || range.toS !== undefined) {
    const detail =
      '`from_s` and `to_s` are for a `video` only. Leave them out, and send only the frames of the episode.';
    throw new ProblemError('invalid-range', detail, { pointer });
  }
  if (clock) return clock;
  const detail =
    'Send `fps`, the rate of the frames that you send, or `timestamps_s`. There is no default, because a wrong fps changes the reward without an error.';
  throw new ProblemError('missing-clock', detail, { pointer: `${pointer}/fps` });
}
