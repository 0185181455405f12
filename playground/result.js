import { byId, make } from './dom.js';
import { counted, decimal, percent, seconds } from './format.js';

/**
 * @typedef {import('../schemas/reward.ts').RewardResult} RewardResult
 * @typedef {import('../schemas/reward.ts').PrefixReward} PrefixReward
 */

/** Shows the result, its warnings and its provenance. @param {RewardResult} result */
export function showResult(result) {
  byId('verdict').replaceChildren(verdict(result));
  byId('numbers').replaceChildren(...numbers(result));
  byId('notes').replaceChildren(...notes(result).map((text) => make('li', {}, text)));
  byId('provenance').replaceChildren(...provenance(result));
  byId('rows').replaceChildren(...result.prefixes.map(row));
  byId('stale').hidden = true;
  byId('result').hidden = false;
}

/** Shows that the form no longer matches the result. */
export function markStale() {
  byId('stale').hidden = false;
}

export function hideResult() {
  byId('result').hidden = true;
}

/** One line for the status. @param {RewardResult} result */
export function summary({ prefixes, success, log_prob_range }) {
  const flag = success === null ? 'no threshold' : success.flag ? 'success' : 'not a success';
  return `${counted(prefixes.length, 'prefix')} scored: ${flag}${log_prob_range.flat ? ', flat curve' : ''}.`;
}

/** @param {RewardResult} result */
function verdict({ success, score, provenance: { pipeline } }) {
  if (success === null) {
    const why = pipeline === 'published' ? ' The published pipeline has no threshold of its own.' : '';
    return make(
      'p',
      { class: 'verdict none' },
      make('strong', {}, 'No threshold'),
      make('span', {}, `The score is ${decimal(score)} nats.${why} Set a success threshold to compare it with.`),
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

/** @param {RewardResult} result */
function numbers({ score, voc, log_prob_range: { span, flat_below }, controls, usage }) {
  const still = controls?.static;
  return [
    ['Score', decimal(score), 'Mean log probability of True over the final prefixes, in nats'],
    [
      'VOC',
      voc === null ? '–' : decimal(voc, 2),
      'Value-order correlation: 1 if the value rises with every prefix, −1 if it falls',
    ],
    ['Range', decimal(span, 2), `Highest minus lowest value, in nats. Below ${flat_below} the curve is flat`],
    ...(still
      ? [
          [
            'Range of the static video',
            decimal(still.span, 2),
            'The first frame, repeated for as long as the episode, in nats',
          ],
          ['Corrected score', decimal(still.corrected.score), 'The score without what the static video gets, in nats'],
        ]
      : []),
    ['Engine time', seconds(usage.engine_ms / 1000), `For ${counted(usage.prompt_tokens, 'prompt token')}`],
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
  const others = warnings.filter(({ code }) => code !== 'flat-curve').map(({ message }) => message);
  const flatness = `The curve is flat: its range is below ${flat_below} nats, so it is mostly noise. Progress and VOC are unreliable.`;
  return flat ? [flatness, ...others] : others;
}

/** @param {RewardResult} result */
function provenance({
  provenance: { service, engine, model, about, pipeline, layout, prompt, frame_size, true_token },
}) {
  const { source, sent, resampling } = frame_size;
  const size = (/** @type {typeof source} */ { width, height }) => `${width} × ${height}`;
  const frames = resampling === 'none' ? `${size(sent)} px` : `${size(source)}, resized to ${size(sent)} px`;
  return [
    ['Model', model],
    ...(about === null ? [] : [['About the model', about]]),
    ['Engine', `${engine.name} ${engine.version}`],
    ['Pipeline', pipeline],
    ['Prompt', `${prompt.variant}, ${layout} layout`],
    ['Scored token', `${JSON.stringify(true_token.text)} (ID ${true_token.id})`],
    ['Frame size', frames],
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
