import { byId, make } from './dom.js';
import { counted, seconds } from './format.js';

/** @typedef {import('./service.js').Frame} Frame */

/** Pictures in the strip at most; of a longer episode every so many frames are shown. */
const MOST = 240;

/**
 * Shows an episode's frames, one after another.
 * @param {Frame[]} frames
 * @param {number} fps
 */
export function showFrames(frames, fps) {
  const every = Math.ceil(frames.length / MOST);
  const shown = [...frames.entries()].filter(([index]) => index % every === 0);
  byId('strip-frames').replaceChildren(
    ...shown.map(([index, { url }]) =>
      make(
        'li',
        { 'data-frame': index },
        make('img', { src: url, alt: `Frame ${index + 1}`, loading: 'lazy', decoding: 'async' }),
        make('span', { 'aria-hidden': true }, String(index + 1)),
      ),
    ),
  );
  byId('strip').scrollTop = 0;
  describeStrip(frames.length, fps, every === 1 ? '' : `every ${every}. one is shown`);
}

/**
 * Marks the frames that the model saw, and says how many.
 * @param {number[]} sampled frame numbers, from 0
 * @param {number} count frames of the episode
 * @param {number} fps
 */
export function markSampled(sampled, count, fps) {
  const seen = new Set(sampled);
  byId('strip').classList.add('judged');
  for (const item of items()) {
    const isSeen = seen.has(Number(item.dataset['frame']));
    item.classList.toggle('seen', isSeen);
    const picture = item.querySelector('img');
    if (picture && isSeen) picture.alt = `${picture.alt}, shown to the model`;
  }
  describeStrip(count, fps, `${sampled.length} of them shown to the model`);
}

/** Takes every mark of an earlier answer away. */
export function unmarkFrames() {
  byId('strip').classList.remove('judged');
  for (const item of items()) {
    item.classList.remove('seen', 'current', 'bad');
    const picture = item.querySelector('img');
    if (picture) picture.alt = picture.alt.replace(/,.*/, '');
  }
}

/**
 * Marks one frame and brings it into view, within the strip only.
 * @param {number} index from 0
 * @param {'current' | 'bad'} mark
 */
export function markFrame(index, mark) {
  const strip = byId('strip');
  const item = items().findLast(({ dataset }) => Number(dataset['frame']) <= index);
  for (const marked of strip.querySelectorAll(`.${mark}`)) marked.classList.remove(mark);
  if (!item) return;
  item.classList.add(mark);
  strip.scrollTop = item.offsetTop - (strip.clientHeight - item.offsetHeight) / 2;
}

/** @returns {HTMLElement[]} */
function items() {
  return [.../** @type {NodeListOf<HTMLElement>} */ (byId('strip-frames').querySelectorAll('li'))];
}

/** @param {number} count @param {number} fps @param {string} more */
function describeStrip(count, fps, more) {
  const parts = [counted(count, 'frame'), ...(fps > 0 ? [seconds(count / fps)] : []), ...(more ? [more] : [])];
  byId('strip-note').textContent = parts.join(' · ');
}
