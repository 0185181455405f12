import { byId } from './dom.js';

/** @typedef {import('./service.js').Episode} Episode */

/** @param {string} id */
const field = (id) => /** @type {HTMLInputElement} */ (byId(id));

/** Whether a field needs no option: it has its default value, or the method does not have it. @param {string} id */
function isLeftOut(id) {
  const element = /** @type {HTMLInputElement | HTMLSelectElement} */ (byId(id));
  if (element.matches(':disabled')) return true;
  if (element instanceof HTMLSelectElement) return element.selectedOptions[0]?.defaultSelected ?? true;
  return element.value === element.defaultValue;
}

/** @param {string} id */
const text = (id) => (isLeftOut(id) ? undefined : field(id).value);

/** @param {string} id */
const number = (id) => (isLeftOut(id) ? undefined : field(id).valueAsNumber);

/** The texts of a field with one text on each line. Their spaces count. @param {string} id */
function texts(id) {
  const lines = text(id)
    ?.split('\n')
    .filter((line) => line !== '');
  return lines?.length ? lines : undefined;
}

/** An object without its undefined members; undefined if none is left. @param {Record<string, unknown>} members */
function some(members) {
  const known = Object.entries(members).filter(([, value]) => value !== undefined);
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

/** The `episode` part of the request, without options that equal the default. @returns {Episode} */
export function episodeOptions() {
  const options = some({
    instruction: field('instruction').value,
    fps: formFps(),
    method: text('method'),
    likelihood: some({
      reward: text('likelihood-reward'),
      full_stop: isLeftOut('full-stop') ? undefined : true,
    }),
    gvl: some({
      count: number('gvl-count'),
      seed: number('gvl-seed'),
      format: text('gvl-format'),
      max_tokens: number('gvl-tokens'),
    }),
    prefixes: some({ count: number('count') }),
    prompt: text('prompt'),
    pipeline: text('pipeline'),
    answers: some({
      true_texts: texts('true-texts'),
      false_texts: texts('false-texts'),
      reward: text('answer-reward'),
    }),
    top_answers: number('top-answers'),
    controls: isLeftOut('control') ? undefined : { static: true },
    success: some({ threshold: number('threshold') }),
  });
  return /** @type {Episode} */ (options);
}

/** Frames per second in the form; NaN if the field is empty. */
export const formFps = () => field('fps').valueAsNumber;

/** The API key in the form. The page stores it nowhere else. */
export const key = () => field('key').value.trim();

/**
 * Fills the fields that belong to an episode. A field without a value is emptied, because its text belongs to the earlier
 * episode. An instruction that the user typed stays.
 * @param {{ instruction?: string, fps?: number }} episode
 */
export function fillIn({ instruction, fps }) {
  field('fps').value = fps === undefined ? '' : String(fps);
  const text = field('instruction');
  const isTyped = text.value !== '' && text.value !== text.dataset['recorded'];
  if (instruction === undefined && isTyped) return;
  text.value = instruction ?? '';
  text.dataset['recorded'] = instruction ?? '';
}
