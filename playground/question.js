import { byId } from './dom.js';

/** @typedef {import('./service.js').EpisodeQuestion} EpisodeQuestion */

const DEFAULT_COUNT = 15;

/** @param {string} id */
const field = (id) => /** @type {HTMLInputElement} */ (byId(id));

/** What the form asks, without what would be the same by default. @returns {EpisodeQuestion} */
export function question() {
  const [count, prompt, threshold] = [field('count').valueAsNumber, field('prompt').value, field('threshold').value];
  return {
    instruction: field('instruction').value,
    fps: rate(),
    ...(count !== DEFAULT_COUNT && { prefixes: { count } }),
    ...(prompt === 'chat' && { prompt }),
    ...(threshold !== '' && { success: { threshold: Number(threshold) } }),
  };
}

/** Frames per second as typed; NaN where there is none yet. */
export const rate = () => field('fps').valueAsNumber;

/** The key typed in, which is kept nowhere else. */
export const key = () => field('key').value.trim();

/**
 * Fills the fields that belong to an episode. Without a value a field is emptied, as what stood there was another's; but
 * an instruction that somebody typed stays.
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
