import { make } from './dom.js';
import { decimal, percent, seconds } from './format.js';
import { curveNotes, curveNumbers, madeBy, sampled, summary, timeNumber, tokenText, verdict } from './result-parts.js';
import { LIKELIHOODS } from './view.js';

/**
 * @typedef {import('./result.js').Parts} Parts
 * @typedef {import('../schemas/likelihood.ts').LikelihoodResult} LikelihoodResult
 */

const NOTE =
  'Values are in nats. Sum: of all tokens of the instruction. Mean: of a token. Progress is the value of the curve mapped to 0…1, from the lowest to the highest value of this episode.';

/** What a result of the instruction likelihood shows. @param {LikelihoodResult} result @returns {Parts} */
export function likelihoodParts(result) {
  const { prefixes, provenance, usage } = result;
  const { reward, full_stop } = provenance.likelihood;
  return {
    summary: summary(result),
    verdict: verdict(result),
    notes: curveNotes(result),
    numbers: [...curveNumbers(result, LIKELIHOODS[reward]), timeNumber(usage)],
    more: tokens(result),
    table: {
      heads: [
        'Frames in prefix',
        'Time',
        'Frames sent to model',
        'Sum',
        'Mean',
        'Sum with full stop',
        'Mean with full stop',
        'Progress',
      ],
      rows: prefixes.map(cells),
      note: NOTE,
    },
    provenance: madeBy(provenance, [
      ['Pipeline', provenance.pipeline],
      ['Prompt', `for the instruction likelihood, ${provenance.layout} layout`],
      ['Reward', `${LIKELIHOODS[reward]}, ${full_stop ? 'with' : 'without'} the full stop`],
    ]),
    sent: sampled(provenance),
  };
}

/** @param {LikelihoodResult['prefixes'][number]} prefix */
function cells({ length, time_s, frames_used, without_full_stop, with_full_stop, progress }) {
  return [
    String(length),
    seconds(time_s),
    String(frames_used),
    ...[without_full_stop, with_full_stop].flatMap(({ sum, mean }) => [decimal(sum), decimal(mean)]),
    progress === null ? '–' : decimal(progress, 2),
  ];
}

/** The tokens that the curve counts, with their log probabilities after the longest prefix. @param {LikelihoodResult} result */
function tokens({ prefixes, provenance }) {
  const { likelihood, instruction_tokens, full_stop_tokens } = provenance;
  const longest = prefixes.at(-1);
  const values = (likelihood.full_stop ? longest?.with_full_stop : longest?.without_full_stop)?.tokens ?? [];
  const texts = likelihood.full_stop ? full_stop_tokens : instruction_tokens;
  const items = texts.map(({ text }, i) => {
    const value = values[i] ?? Number.NaN;
    return make(
      'li',
      { class: `shade-${shade(value)}` },
      make('code', {}, ...tokenText(text)),
      make('span', {}, decimal(value, 2)),
      make('small', {}, percent(Math.exp(value))),
    );
  });
  const isSplit = texts.some(({ text }) => text.includes('\ufffd'));
  return [
    make('h3', {}, 'Log probability of each token'),
    make(
      'p',
      { class: 'hint' },
      `Tokens of the instruction after the longest prefix, each after those before it, in nats. A stronger colour means a higher probability. ␣ is a space.${isSplit ? ' � is a part of a character.' : ''}`,
    ),
    make('ol', { class: 'tokens', 'aria-label': 'Log probability of each token' }, ...items),
  ];
}

/** Strength of the colour of a token, 0…3. @param {number} value nats */
function shade(value) {
  const probability = Math.exp(value);
  return [0.01, 0.1, 0.5].filter((least) => probability >= least).length;
}
