import { counted, decimal, percent, seconds } from './format.js';
import { logProbRange } from './scale.js';

/**
 * @typedef {import('./service.js').Episode} Episode
 * @typedef {import('./service.js').PrefixEvent} PrefixEvent
 * @typedef {import('./service.js').LikelihoodPrefixEvent} LikelihoodPrefixEvent
 * @typedef {import('../schemas/gvl.ts').GvlResult['frames'][number]} GvlFrame
 * @typedef {import('../schemas/method.ts').MethodName} MethodName
 * @typedef {{ frame: number, time: number, value: number | null, reading: string, cells: [string, string][] }} Point
 *   One point of the curve: its frame from 0, its time in seconds, null for a gap, one line for screen readers, and the
 *   names and values that are shown below the curve.
 * @typedef {{
 *   name: string,
 *   axis: string,
 *   timeAxis: string,
 *   noun: 'prefix' | 'frame',
 *   range: (values: number[], threshold: number | null) => [number, number],
 *   absent: (frame: number) => [string, string],
 * }} View
 *   How the values of a method are drawn. `absent` says that a frame has no point.
 */

/** Names of what `reward` can be with TOPReward. */
export const REWARDS = /** @type {const} */ ({
  log_prob: 'Log probability of True',
  log_odds: 'Log odds of True',
  normalised: 'Normalised log probability of True',
});

/** Names of what `reward` can be with the instruction likelihood. */
export const LIKELIHOODS = /** @type {const} */ ({
  sum: 'Log probability of the instruction',
  mean: 'Mean log probability of a token',
});

/** Why a frame has no percentage. @type {Record<NonNullable<GvlFrame['missing']>, string>} */
const MISSING = {
  'not-mentioned': 'the text does not name the frame',
  'no-number': 'the text has no single percentage for it',
  'out-of-range': 'the number is not between 0 and 100',
  'cut-off': 'the text ends at its limit before the frame',
  'not-json': 'the text is not the requested JSON',
};

/** The first letter in lower case. @param {string} name */
export const inSentence = (name) => name.charAt(0).toLowerCase() + name.slice(1);

const ofPrefixes = /** @type {const} */ ({ timeAxis: 'time of the prefix’s last frame (s)', noun: 'prefix' });

/** @param {number} frame @returns {[string, string]} */
const notScored = (frame) => ['Prefix', `${counted(frame + 1, 'frame')}: not scored`];

/** How the values of an episode are drawn. @param {Episode} episode @returns {View} */
export function viewOf({ method, answers, likelihood }) {
  if (method === 'gvl') {
    return {
      name: 'Task completion',
      axis: 'task completion (%)',
      timeAxis: 'time of the frame (s)',
      noun: 'frame',
      range: () => [-6, 106],
      absent: (frame) => ['Frame', `Frame ${frame + 1}: not sent to the model`],
    };
  }
  if (method === 'instruction_likelihood') {
    const kind = likelihood?.reward ?? 'sum';
    const axis = kind === 'sum' ? 'log probability (nats)' : 'mean log probability (nats)';
    return { ...ofPrefixes, name: LIKELIHOODS[kind], axis, range: logProbRange, absent: notScored };
  }
  const kind = answers?.reward ?? 'log_prob';
  const axis = kind === 'normalised' ? 'normalised log probability (nats)' : `${inSentence(REWARDS[kind])} (nats)`;
  const most = kind === 'log_odds' ? Number.POSITIVE_INFINITY : 0;
  return {
    ...ofPrefixes,
    name: REWARDS[kind],
    axis,
    range: (values, threshold) => logProbRange(values, threshold, most),
    absent: notScored,
  };
}

/** A point of the curve. @param {PrefixEvent | LikelihoodPrefixEvent | GvlFrame} item @param {Episode} episode @returns {Point} */
export function pointOf(item, episode) {
  if ('percentage' in item) return framePoint(item);
  const { length, time_s, frames_used, reward } = item;
  const prefix = `${counted(length, 'frame')}, ${seconds(time_s)}`;
  return {
    frame: length - 1,
    time: time_s,
    value: reward,
    reading: `${prefix}, ${inSentence(viewOf(episode).name)} ${decimal(reward)} nats`,
    cells: [
      ['Prefix', prefix],
      ['Sent to the model', counted(frames_used, 'frame')],
      ...(item.event === 'prefix' ? rewardCells(item, episode) : likelihoodCells(item, episode)),
    ],
  };
}

/** A log probability with its probability, on at most two lines. @param {number} value nats */
const nats = (value) => `${decimal(value)} nats (${percent(Math.exp(value)).replaceAll(' ', '\u00a0')})`;

/** @param {PrefixEvent} prefix @param {Episode} episode @returns {[string, string][]} */
function rewardCells({ reward, log_prob_true, log_prob_false }, { answers }) {
  const kind = answers?.reward ?? 'log_prob';
  return [
    ...(kind === 'log_prob' ? [] : [/** @type {[string, string]} */ ([REWARDS[kind], `${decimal(reward)} nats`])]),
    [REWARDS.log_prob, nats(log_prob_true)],
    ['Log probability of False', nats(log_prob_false)],
  ];
}

/** @param {LikelihoodPrefixEvent} prefix @param {Episode} episode @returns {[string, string][]} */
function likelihoodCells({ without_full_stop, with_full_stop }, { likelihood }) {
  const { sum, mean } = likelihood?.full_stop ? with_full_stop : without_full_stop;
  return [
    [LIKELIHOODS.sum, `${decimal(sum)} nats`],
    [LIKELIHOODS.mean, nats(mean)],
  ];
}

/** @param {GvlFrame} frame @returns {Point} */
function framePoint({ frame, time_s, shown_as, percentage, missing }) {
  const place = `Frame ${frame + 1}, ${seconds(time_s)}`;
  const completion = completionOf({ percentage, missing });
  return {
    frame,
    time: time_s,
    value: percentage,
    reading: `${place}, task completion ${completion}`,
    cells: [
      ['Frame', place],
      ['In the prompt', `Frame ${shown_as}`],
      ['Task completion', completion],
    ],
  };
}

/** The percentage of a frame, or why it has none. @param {Pick<GvlFrame, 'percentage' | 'missing'>} frame */
export function completionOf({ percentage, missing }) {
  if (percentage !== null) return `${Number(percentage.toFixed(2))} %`;
  return missing === null ? 'none' : `none: ${MISSING[missing]}`;
}
