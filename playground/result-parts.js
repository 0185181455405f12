import { make } from './dom.js';
import { counted, decimal, seconds } from './format.js';
import { inSentence } from './view.js';

/**
 * @typedef {import('./result.js').Parts} Parts
 * @typedef {import('../schemas/reward.ts').RewardResult} RewardResult
 * @typedef {import('../schemas/likelihood.ts').LikelihoodResult} LikelihoodResult
 * @typedef {import('../schemas/gvl.ts').GvlResult} GvlResult
 */

/** Whether the episode is a success. @param {RewardResult | LikelihoodResult} result */
export function verdict({ method, success, score, provenance: { pipeline } }) {
  if (success === null) {
    const published = pipeline === 'published' ? ' The published pipeline has no threshold of its own.' : '';
    const why = method === 'topreward' ? published : ' The instruction likelihood has no threshold of its own.';
    return uncertain(
      'No threshold',
      `The score is ${decimal(score)} nats.${why} Set a success threshold to compare it with.`,
    );
  }
  const { flag, threshold, final_prefixes } = success;
  const mean = final_prefixes > 1 ? ` (mean of the final ${final_prefixes} prefixes)` : ' (the final prefix)';
  const comparison = flag ? 'at or above' : 'below';
  return make(
    'p',
    { class: flag ? 'verdict yes' : 'verdict no' },
    make('strong', {}, flag ? 'Success' : 'Not a success'),
    make('span', {}, `The score ${decimal(score)}${mean} is ${comparison} the threshold ${decimal(threshold)}.`),
  );
}

/** A verdict that is neither a success nor a failure. @param {string} title @param {string} text */
export function uncertain(title, text) {
  return make('p', { class: 'verdict none' }, make('strong', {}, title), make('span', {}, text));
}

/** One line for the status. @param {RewardResult | LikelihoodResult} result */
export function summary({ prefixes, success, log_prob_range }) {
  const flag = success === null ? 'no threshold' : success.flag ? 'success' : 'not a success';
  return `${counted(prefixes.length, 'prefix')} scored: ${flag}${log_prob_range.flat ? ', flat curve' : ''}.`;
}

/** Notes about a curve. @param {RewardResult | LikelihoodResult} result */
export function curveNotes({ log_prob_range: { flat, flat_below }, warnings }) {
  const others = warnings.filter(({ code }) => code !== 'flat-curve').map(({ message }) => message);
  const flatness = `The curve is flat: its range is below ${short(flat_below)} nats, so it is mostly noise. Progress and VOC are unreliable.`;
  return flat ? [flatness, ...others] : others;
}

/**
 * What a curve says in numbers.
 * @param {RewardResult | LikelihoodResult} result
 * @param {string} name of the reward
 * @returns {Parts['numbers']}
 */
export function curveNumbers({ score, voc, log_prob_range: { span, flat_below } }, name) {
  return [
    ['Score', decimal(score), `Mean ${inSentence(name)} over the final prefixes, in nats`],
    vocNumber(voc, 'Value-order correlation: 1 if the value rises with every prefix, −1 if it falls'),
    ['Range', decimal(span, 2), `Highest minus lowest value, in nats. Below ${short(flat_below)} the curve is flat`],
  ];
}

/** @param {number | null} voc @param {string} meaning @returns {Parts['numbers'][number]} */
export function vocNumber(voc, meaning) {
  return ['VOC', voc === null ? '–' : decimal(voc, 2), meaning];
}

/** @param {(RewardResult | LikelihoodResult | GvlResult)['usage']} usage @returns {Parts['numbers'][number]} */
export function timeNumber({ engine_ms, prompt_tokens }) {
  return ['Engine time', seconds(engine_ms / 1000), `For ${counted(prompt_tokens, 'prompt token')}`];
}

/**
 * What made the numbers, whatever the method.
 * @param {(RewardResult | LikelihoodResult | GvlResult)['provenance']} provenance
 * @param {Parts['provenance']} own what the method adds
 * @returns {Parts['provenance']}
 */
export function madeBy({ service, engine, model, profile, about, frame_size: { source, sent, resampling } }, own) {
  const size = (/** @type {typeof source} */ { width, height }) => `${width} × ${height}`;
  const frames = resampling === 'none' ? `${size(sent)} px` : `${size(source)}, resized to ${size(sent)} px`;
  return [
    ['Model', model],
    ...(about === null ? [] : [/** @type {[string, string]} */ (['About the model', about])]),
    ['Profile', profile.verified ? profile.name : `${profile.name}, not verified`],
    ['Engine', `${engine.name} ${engine.version}`],
    ...own,
    ['Frame size', frames],
    ['Service', `${service.name} ${service.version}`],
  ];
}

/** Which frames the model received. @param {(RewardResult | LikelihoodResult)['provenance']} provenance @returns {Parts['sent']} */
export function sampled({ sampled_frame_indices: frames, pipeline }) {
  // Shorter prefixes have other frames in the published pipeline.
  return { frames, when: pipeline === 'published' ? ' with the longest prefix' : '' };
}

/** The text of a token, with visible spaces. Screen readers skip their marks. @param {string} text @returns {(Node | string)[]} */
export function tokenText(text) {
  if (text.trim() === '') return [JSON.stringify(text)];
  const parts = text.replaceAll('\n', '↵').split(/([ ↵])/);
  return parts.map((part) =>
    part === ' ' || part === '↵' ? make('span', { 'aria-hidden': 'true' }, part === ' ' ? '␣' : part) : part,
  );
}

/** A number of the settings, without needless zeros. @param {number} value */
const short = (value) => String(Number(value.toFixed(2)));
