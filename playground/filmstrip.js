import { byId, make } from './dom.js';
import { counted, seconds } from './format.js';

/** @typedef {import('./service.js').Frame} Frame */

/** Most frames in the strip. For a longer episode, the strip shows every nth frame. */
const MOST = 240;

/**
 * The frames of an episode as a strip of thumbnails. The checked frame is also shown large.
 * @param {(index: number) => void} onPick called when the user picks a frame
 */
export function createStrip(onPick) {
  const strip = byId('strip');
  strip.addEventListener('change', ({ target }) => onPick(Number(/** @type {HTMLInputElement} */ (target).value)));

  /** The thumbnail of a frame, or the nearest earlier thumbnail. @param {number} index from 0 */
  const itemOf = (index) => items().findLast(({ dataset }) => Number(dataset['frame']) <= index);

  return {
    /** @param {Frame[]} frames @param {number} fps NaN if not known */
    show(frames, fps) {
      const every = Math.ceil(frames.length / MOST);
      const shown = [...frames.entries()].filter(([index]) => index % every === 0);
      byId('strip-frames').replaceChildren(...shown.map(([index, frame]) => thumbnail(index, frame)));
      strip.scrollTop = 0;
      describe(frames.length, fps, every > 1 ? `1 of every ${every} shown` : '');
    },

    /** Checks a frame and scrolls the strip, not the page, to it. @param {number} index from 0 */
    check(index) {
      const item = itemOf(index);
      if (!item) return;
      /** @type {HTMLInputElement} */ (item.querySelector('input')).checked = true;
      scrollTo(item);
    },

    /** Marks the frame that a problem names. @param {number} index from 0 */
    markBad(index) {
      const item = itemOf(index);
      item?.classList.add('bad');
      if (item) scrollTo(item);
    },

    /**
     * Marks the frames that the model received, and shows their number.
     * @param {number[]} sent frames from 0
     * @param {string} when empty, or with which prefix the model received them
     * @param {number} count frames of the episode
     * @param {number} fps
     */
    markSent(sent, when, count, fps) {
      const indices = new Set(sent);
      strip.classList.add('scored');
      for (const item of items()) {
        const isSent = indices.has(Number(item.dataset['frame']));
        item.classList.toggle('sampled', isSent);
        const image = item.querySelector('img');
        if (image && isSent) image.alt = `${image.alt}, sent to the model`;
      }
      describe(count, fps, `${sent.length} sent to the model${when} (underlined)`);
    },

    /** Removes all marks. */
    unmark() {
      strip.classList.remove('scored');
      for (const item of items()) {
        item.classList.remove('sampled', 'bad');
        const image = item.querySelector('img');
        if (image) image.alt = image.alt.replace(/,.*/, '');
      }
    },
  };

  /** @param {HTMLElement} item */
  function scrollTo(item) {
    const above = item.offsetTop < strip.scrollTop;
    const below = item.offsetTop + item.offsetHeight > strip.scrollTop + strip.clientHeight;
    if (above || below) strip.scrollTop = item.offsetTop - (strip.clientHeight - item.offsetHeight) / 2;
  }
}

/** @param {number} index @param {Frame} frame */
function thumbnail(index, { url }) {
  return make(
    'li',
    { 'data-frame': index },
    make(
      'label',
      {},
      make('input', { type: 'radio', name: 'frame', value: index }),
      make('img', { src: url, alt: `Frame ${index + 1}`, loading: 'lazy', decoding: 'async' }),
      make('span', { 'aria-hidden': true }, String(index + 1)),
    ),
  );
}

/** @returns {HTMLElement[]} */
function items() {
  return [.../** @type {NodeListOf<HTMLElement>} */ (byId('strip-frames').querySelectorAll('li'))];
}

/** @param {number} count @param {number} fps @param {string} more */
function describe(count, fps, more) {
  const parts = [counted(count, 'frame'), ...(fps > 0 ? [seconds(count / fps)] : []), ...(more ? [more] : [])];
  byId('strip-note').textContent = count > 0 ? parts.join(' · ') : 'No episode loaded';
}
