import { byId } from './dom.js';

/** @typedef {import('./service.js').Episode} Episode */

const DEFAULT_COUNT = 15;

/** @param {string} id */
const field = (id) => /** @type {HTMLInputElement} */ (byId(id));

/** The `episode` part of the request, without options that equal the default. @returns {Episode} */
export function episodeOptions() {
  const [count, prompt, threshold] = [field('count').valueAsNumber, field('prompt').value, field('threshold').value];
  const pipeline = field('pipeline').value;
  return {
    instruction: field('instruction').value,
    fps: formFps(),
    ...(count !== DEFAULT_COUNT && { prefixes: { count } }),
    ...(prompt === 'chat' && { prompt }),
    ...(pipeline === 'published' && { pipeline }),
    ...(field('control').value === 'static' && { controls: { static: true } }),
    ...(threshold !== '' && { success: { threshold: Number(threshold) } }),
  };
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
