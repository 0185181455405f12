import { drawCurve, prefixAt } from './chart.js';
import { byId, make } from './dom.js';
import { counted, decimal, percent, seconds } from './format.js';

/**
 * @typedef {import('./service.js').PrefixEvent} PrefixEvent
 * @typedef {import('./chart.js').Curve} Curve
 */

/**
 * The curve, and its selected prefix. The pointer selects a prefix on the chart, the keyboard with the slider.
 * @param {(prefix: PrefixEvent) => void} onSelect
 */
export function createCurve(onSelect) {
  const chart = /** @type {SVGSVGElement} */ (byId('chart'));
  const slider = /** @type {HTMLInputElement} */ (byId('scrub'));
  /** @type {Curve} */
  let curve = { points: [], selected: undefined, threshold: null, duration: 1, complete: false };
  let isScheduled = false;
  // Until the user picks a prefix, the longest known prefix is selected.
  let isPicked = false;

  // Many prefixes can arrive between two repaints of the screen.
  function redraw() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      drawCurve(chart, curve);
    });
  }

  /** @param {PrefixEvent | undefined} prefix */
  function select(prefix) {
    if (!prefix) return;
    curve.selected = prefix;
    slider.value = String(curve.points.indexOf(prefix));
    slider.setAttribute('aria-valuetext', description(prefix));
    byId('readout').replaceChildren(...readout(prefix));
    onSelect(prefix);
    redraw();
  }

  /** Selects no prefix: no scored prefix ends at this frame. @param {number} length */
  function deselect(length) {
    curve.selected = undefined;
    byId('readout').replaceChildren(...noReadout(length));
    redraw();
  }

  /** @param {PrefixEvent | undefined} prefix */
  function pick(prefix) {
    isPicked = true;
    select(prefix);
  }

  slider.addEventListener('input', () => pick(curve.points[slider.valueAsNumber]));
  for (const kind of ['pointermove', 'pointerdown']) {
    chart.addEventListener(kind, (event) => {
      if (curve.points.length > 0) pick(prefixAt(chart, /** @type {PointerEvent} */ (event).clientX, curve));
    });
  }
  new ResizeObserver(redraw).observe(chart);

  return {
    /** Removes all points. @param {{ threshold: number | null, duration: number }} frame */
    clear({ threshold, duration }) {
      curve = { points: [], selected: undefined, threshold, duration, complete: false };
      isPicked = false;
      slider.disabled = true;
      byId('empty').hidden = false;
      byId('readout').replaceChildren();
      chart.setAttribute('aria-label', 'Log probability of True over time: no values yet');
      redraw();
    },
    /** @param {PrefixEvent} prefix */
    add(prefix) {
      curve.points = [...curve.points, prefix].sort((a, b) => a.length - b.length);
      slider.disabled = false;
      slider.max = String(curve.points.length - 1);
      byId('empty').hidden = true;
      if (!isPicked) return select(curve.points.at(-1));
      if (curve.selected) slider.value = String(curve.points.indexOf(curve.selected));
      redraw();
    },
    /** Selects the prefix with this number of frames, if it is scored. @param {number} length */
    pickLength(length) {
      if (curve.points.length === 0) return;
      const prefix = curve.points.find((point) => point.length === length);
      if (prefix) return pick(prefix);
      isPicked = true;
      deselect(length);
    },
    /** @param {number | null} threshold that the service applied */
    complete(threshold) {
      curve = { ...curve, threshold, complete: true };
      const { points } = curve;
      const [first, last] = [points[0], points.at(-1)];
      if (first && last) {
        const ends = `${decimal(first.log_prob_true)} at the start, ${decimal(last.log_prob_true)} at the end`;
        chart.setAttribute(
          'aria-label',
          `Log probability of True over time, ${counted(points.length, 'prefix')}: ${ends}`,
        );
      }
      redraw();
    },
  };
}

/** @param {PrefixEvent} prefix */
function description({ length, time_s, log_prob_true }) {
  return `${counted(length, 'frame')}, ${seconds(time_s)}, log probability of True ${decimal(log_prob_true)} nats`;
}

/** @param {PrefixEvent} prefix */
function readout({ length, time_s, frames_used, log_prob_true, log_prob_false }) {
  return [
    ['Prefix', `${counted(length, 'frame')}, ${seconds(time_s)}`],
    ['Sent to the model', counted(frames_used, 'frame')],
    ['Log probability of True', `${decimal(log_prob_true)} nats (${percent(Math.exp(log_prob_true))})`],
    ['Log probability of False', `${decimal(log_prob_false)} nats (${percent(Math.exp(log_prob_false))})`],
  ].map(([name = '', value = '']) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
}

/** @param {number} length */
function noReadout(length) {
  const cells = [make('dt', {}, 'Prefix'), make('dd', {}, `${counted(length, 'frame')}: not scored`)];
  return [make('div', {}, ...cells)];
}
