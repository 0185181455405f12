import { make } from './dom.js';
import { counted, seconds } from './format.js';
import { madeBy, timeNumber, uncertain, vocNumber } from './result-parts.js';
import { completionOf } from './view.js';

/**
 * @typedef {import('./result.js').Parts} Parts
 * @typedef {import('../schemas/gvl.ts').GvlResult} GvlResult
 */

/** What a result of GVL shows. @param {GvlResult} result @returns {Parts} */
export function gvlParts(result) {
  const { frames, voc, usage, provenance } = result;
  const known = frames.filter(({ percentage }) => percentage !== null).length;
  return {
    summary: `${known} of ${counted(frames.length, 'frame')} ${known === 1 ? 'has' : 'have'} a percentage.`,
    verdict: verdict(result, known),
    notes: notes(result),
    numbers: [
      vocNumber(voc, 'Value-order correlation: 1 if the percentages rise with every frame, −1 if they fall'),
      ['Frames with a percentage', `${known} of ${frames.length}`, 'Of the frames that the model received'],
      ['Tokens written', String(usage.generated_tokens), `At most ${provenance.max_tokens}`],
      timeNumber(usage),
    ],
    more: written(result),
    table: {
      heads: ['Frame', 'Time', 'Number in the prompt', 'Task completion'],
      rows: frames.map(cells),
      note: 'Frames in the order of the episode. The model received them in random order, with the numbers in the prompt.',
    },
    provenance: madeBy(provenance, ownProvenance(provenance)),
    sent: { frames: provenance.order, when: '' },
  };
}

/** @param {GvlResult} result @param {number} known frames with a percentage */
function verdict({ complete, frames }, known) {
  const what = 'GVL has no score and no threshold, so it does not say whether the episode is a success.';
  if (complete) return uncertain('Complete', `Every frame has a percentage. ${what}`);
  const missing = `${frames.length - known} of ${counted(frames.length, 'frame')} ${frames.length - known === 1 ? 'has' : 'have'} no percentage.`;
  return uncertain('Incomplete', `${missing} The authors count such an episode as a failure of the method. ${what}`);
}

/** Notes about a result. The verdict says which frames have no percentage. @param {GvlResult} result */
function notes({ warnings, finish }) {
  const others = warnings.filter(({ code }) => code !== 'frames-without-percentage').map(({ message }) => message);
  const cut = 'The text was cut off at its limit of tokens. Set a higher limit under Most tokens and score again.';
  return finish === 'length' ? [cut, ...others] : others;
}

/** @param {GvlResult['frames'][number]} frame */
function cells({ frame, time_s, shown_as, percentage, missing }) {
  return [String(frame + 1), seconds(time_s), String(shown_as), completionOf({ percentage, missing })];
}

/** @param {GvlResult['provenance']} provenance @returns {Parts['provenance']} */
function ownProvenance({ format, seed, order, initial_frame }) {
  return [
    ['Format', format],
    ['Seed', seed === null ? 'none: the request gave the order' : String(seed)],
    ['Initial scene', `Frame ${initial_frame + 1}`],
    ['Frames in the order of the prompt', order.map((frame) => frame + 1).join(', ')],
  ];
}

/** The text that the model wrote, behind a heading that opens it. @param {GvlResult} result */
function written({ text }) {
  return [
    make(
      'details',
      {},
      make('summary', {}, 'Text that the model wrote'),
      make('p', { class: 'hint' }, 'The frame numbers in this text are the numbers in the prompt.'),
      make(
        'section',
        { class: 'command', 'aria-label': 'Text that the model wrote', tabindex: 0 },
        make('pre', {}, text === '' ? '(no text)' : text),
      ),
    ),
  ];
}
