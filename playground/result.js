import { byId, make } from './dom.js';
import { counted, decimal, percent, seconds } from './format.js';

/**
 * @typedef {import('../schemas/reward.ts').RewardResult} RewardResult
 * @typedef {import('../schemas/reward.ts').PrefixReward} PrefixReward
 */

/** Shows what was found, how it was found, and what to beware of. @param {RewardResult} result */
export function showResult(result) {
  byId('verdict').replaceChildren(verdict(result));
  byId('numbers').replaceChildren(...numbers(result));
  byId('notes').replaceChildren(...notes(result).map((text) => make('li', {}, text)));
  byId('provenance').replaceChildren(...provenance(result));
  byId('rows').replaceChildren(...result.prefixes.map(row));
  byId('stale').hidden = true;
  byId('result').hidden = false;
}

/** Says that the form asks something else by now. */
export function markStale() {
  byId('stale').hidden = false;
}

export function hideResult() {
  byId('result').hidden = true;
}

/** In one line, for the status. @param {RewardResult} result */
export function summary({ prefixes, success, log_prob_range }) {
  const flag = success === null ? 'no threshold to hold it against' : success.flag ? 'a success' : 'not a success';
  return `${counted(prefixes.length, 'prefix')} scored: ${flag}${log_prob_range.flat ? ', and the curve is flat' : ''}.`;
}

/** @param {RewardResult} result */
function verdict({ success, score }) {
  if (success === null) {
    return make(
      'p',
      { class: 'verdict none' },
      make('strong', {}, 'No threshold'),
      make('span', {}, `The score is ${decimal(score)}. Set a threshold to call it a success or not.`),
    );
  }
  const { flag, threshold, last } = success;
  return make(
    'p',
    { class: flag ? 'verdict yes' : 'verdict no' },
    make('strong', {}, flag ? 'Success' : 'Not a success'),
    make(
      'span',
      {},
      `Score ${decimal(score)} is ${flag ? 'at or above' : 'below'} the threshold ${decimal(threshold)}, over the last ${counted(last, 'prefix')}.`,
    ),
  );
}

/** @param {RewardResult} result */
function numbers({ score, voc, log_prob_range, usage }) {
  return [
    ['Score', decimal(score), 'mean log p(True) of the final prefixes'],
    ['Order', voc === null ? '–' : decimal(voc, 2), 'value-order correlation'],
    ['Range', decimal(log_prob_range.span, 2), 'nats between lowest and highest'],
    ['Engine', seconds(usage.engine_ms / 1000), `${counted(usage.prompt_tokens, 'token')} asked`],
  ].map(([name, value, meaning]) =>
    make(
      'div',
      {},
      make('dt', {}, name ?? ''),
      make('dd', {}, make('b', {}, value ?? ''), make('small', {}, meaning ?? '')),
    ),
  );
}

/** @param {RewardResult} result */
function notes({ log_prob_range: { flat, flat_below }, warnings }) {
  const told = warnings.filter(({ code }) => code !== 'flat-curve').map(({ message }) => message);
  const flatness = `The curve is flat: log p moves by less than ${flat_below} nats, so progress and order say little.`;
  return flat ? [flatness, ...told] : told;
}

/** @param {RewardResult} result */
function provenance({ provenance: { service, engine, model, about, layout, prompt, frame_size, true_token } }) {
  const { source, sent, resampling } = frame_size;
  const size = (/** @type {typeof source} */ { width, height }) => `${width} × ${height}`;
  const frames = resampling === 'none' ? size(sent) : `${size(source)} → ${size(sent)}`;
  return [
    ['Model', model],
    ...(about === null ? [] : [['What it knows', about]]),
    ['Engine', `${engine.name} ${engine.version}`],
    ['Layout', `${layout}, ${prompt.variant} prompt`],
    ['Token', `${JSON.stringify(true_token.text)} (${true_token.id})`],
    ['Frames', frames],
    ['Service', `${service.name} ${service.version}`],
  ].map(([name, value]) => make('div', {}, make('dt', {}, name ?? ''), make('dd', {}, value ?? '')));
}

/** @param {PrefixReward} prefix */
function row({ length, time_s, frames_used, log_prob_true, log_prob_false, progress }) {
  const cells = [
    seconds(time_s),
    String(frames_used),
    decimal(log_prob_true),
    percent(Math.exp(log_prob_true)),
    decimal(log_prob_false),
    progress === null ? '–' : decimal(progress, 2),
  ];
  return make('tr', {}, make('th', { scope: 'row' }, String(length)), ...cells.map((cell) => make('td', {}, cell)));
}
