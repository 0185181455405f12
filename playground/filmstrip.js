import { byId, make } from './dom.js';
import { counted, seconds } from './format.js';

/** @typedef {import('./service.js').Frame} Frame */

/** Pictures in the strip at most; of a longer episode every so many frames are shown. */
const MOST = 240;

/**
 * An episode's frames, one after another. One of them is checked: the one that is looked at.
 * @param {(index: number) => void} onPick somebody picked this frame, by pointer or keyboard
 */
export function createStrip(onPick) {
  const strip = byId('strip');
  strip.addEventListener('change', ({ target }) => onPick(Number(/** @type {HTMLInputElement} */ (target).value)));

  /** The picture of a frame, or the one before it that stands for it. @param {number} index from 0 */
  const itemOf = (index) => items().findLast(({ dataset }) => Number(dataset['frame']) <= index);

  return {
    /** @param {Frame[]} frames @param {number} fps NaN where it is not known */
    show(frames, fps) {
      const every = Math.ceil(frames.length / MOST);
      const shown = [...frames.entries()].filter(([index]) => index % every === 0);
      byId('strip-frames').replaceChildren(...shown.map(([index, frame]) => picture(index, frame)));
      strip.scrollTop = 0;
      describe(frames.length, fps, every > 1 ? `every ${every}. one is shown` : '');
    },

    /** Checks one frame and brings it into view, within the strip only. @param {number} index from 0 */
    check(index) {
      const item = itemOf(index);
      if (!item) return;
      /** @type {HTMLInputElement} */ (item.querySelector('input')).checked = true;
      scrollTo(item);
    },

    /** Marks a frame that was refused. @param {number} index from 0 */
    markBad(index) {
      const item = itemOf(index);
      item?.classList.add('bad');
      if (item) scrollTo(item);
    },

    /**
     * Marks the frames that the model saw, and says how many.
     * @param {number[]} sampled frame numbers, from 0
     * @param {number} count frames of the episode
     * @param {number} fps
     */
    markSampled(sampled, count, fps) {
      const seen = new Set(sampled);
      strip.classList.add('judged');
      for (const item of items()) {
        const isSeen = seen.has(Number(item.dataset['frame']));
        item.classList.toggle('seen', isSeen);
        const image = item.querySelector('img');
        if (image && isSeen) image.alt = `${image.alt}, shown to the model`;
      }
      describe(count, fps, `${sampled.length} of them shown to the model`);
    },

    /** Takes every mark of an earlier answer away. */
    unmark() {
      strip.classList.remove('judged');
      for (const item of items()) {
        item.classList.remove('seen', 'bad');
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
function picture(index, { url }) {
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
  byId('strip-note').textContent = count > 0 ? parts.join(' · ') : 'No episode yet';
}
