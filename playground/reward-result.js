import { make } from './dom.js';
import { decimal, percent, seconds } from './format.js';
import { curveNotes, curveNumbers, madeBy, sampled, summary, timeNumber, tokenText, verdict } from './result-parts.js';
import { REWARDS } from './view.js';

/**
 * @typedef {import('./result.js').Parts} Parts
 * @typedef {import('../schemas/reward.ts').RewardResult} RewardResult
 * @typedef {import('../schemas/reward.ts').TopAnswer} TopAnswer
 */

const NOTE =
  'Log probabilities are in nats. Progress is the value of the curve mapped to 0…1, from the lowest to the highest value of this episode.';

/** What a result of TOPReward shows. @param {RewardResult} result @returns {Parts} */
export function rewardParts(result) {
  const { controls, usage, prefixes, provenance, top_answers } = result;
  const kind = provenance.answers.reward;
  return {
    summary: summary(result),
    verdict: verdict(result),
    notes: curveNotes(result),
    numbers: [...curveNumbers(result, REWARDS[kind]), ...staticNumbers(controls?.static), timeNumber(usage)],
    more: top_answers === null ? [] : topAnswers(top_answers),
    table: {
      heads: [
        'Frames in prefix',
        'Time',
        'Frames sent to model',
        ...(kind === 'log_prob' ? [] : [REWARDS[kind]]),
        'Log probability of True',
        'Probability of True',
        'Log probability of False',
        'Progress',
      ],
      rows: prefixes.map((prefix) => cells(prefix, kind !== 'log_prob')),
      note: NOTE,
    },
    provenance: madeBy(provenance, ownProvenance(provenance)),
    sent: sampled(provenance),
  };
}

/** @param {NonNullable<RewardResult['controls']>['static'] | undefined} still @returns {Parts['numbers']} */
function staticNumbers(still) {
  if (!still) return [];
  return [
    [
      'Range of the static video',
      decimal(still.span, 2),
      'The first frame, repeated for as long as the episode, in nats',
    ],
    ['Corrected score', decimal(still.corrected.score), 'The score without what the static video gets, in nats'],
  ];
}

/** @param {RewardResult['prefixes'][number]} prefix @param {boolean} withReward */
function cells({ length, time_s, frames_used, reward, log_prob_true, log_prob_false, progress }, withReward) {
  return [
    String(length),
    seconds(time_s),
    String(frames_used),
    ...(withReward ? [decimal(reward)] : []),
    decimal(log_prob_true),
    percent(Math.exp(log_prob_true)),
    decimal(log_prob_false),
    progress === null ? '–' : decimal(progress, 2),
  ];
}

/** @param {RewardResult['provenance']} provenance @returns {Parts['provenance']} */
function ownProvenance({ pipeline, layout, prompt, true_token, answers }) {
  const { true_texts, false_texts, reward } = answers;
  const listed = (/** @type {string[]} */ texts) => texts.map((text) => JSON.stringify(text)).join(', ');
  return [
    ['Pipeline', pipeline],
    ['Prompt', `${prompt.variant}, ${layout} layout`],
    ['Scored token', `${JSON.stringify(true_token.text)} (ID ${true_token.id})`],
    ['Texts for True', listed(true_texts)],
    ['Texts for False', listed(false_texts)],
    ...(reward === 'log_prob' ? [] : [/** @type {[string, string]} */ (['Reward', REWARDS[reward]])]),
  ];
}

/** The most likely next tokens as a table. @param {TopAnswer[]} answers */
function topAnswers(answers) {
  const heads = ['Token', 'ID', 'Log probability', 'Probability'];
  const rows = answers.map(({ text, id, log_prob }) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, make('code', {}, ...tokenText(text))),
      ...[String(id), decimal(log_prob), percent(Math.exp(log_prob))].map((cell) => make('td', {}, cell)),
    ),
  );
  return [
    make('h3', {}, 'Most likely next tokens'),
    make('p', { class: 'hint' }, 'What the model would write next after the longest prefix. ␣ is a space.'),
    make(
      'table',
      { class: 'top-answers', 'aria-label': 'Most likely next tokens' },
      make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
      make('tbody', {}, ...rows),
    ),
  ];
}
