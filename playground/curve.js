import { drawCurve, pointAt } from './chart.js';
import { byId, make } from './dom.js';
import { counted, decimal } from './format.js';
import { viewOf } from './view.js';

/**
 * @typedef {import('./view.js').Point} Point
 * @typedef {import('./view.js').View} View
 * @typedef {import('./chart.js').Curve} Curve
 */

/**
 * The curve, and its selected point. The pointer selects a point on the chart, the keyboard with the slider.
 * @param {(point: Point) => void} onSelect
 */
export function createCurve(onSelect) {
  const chart = /** @type {SVGSVGElement} */ (byId('chart'));
  const slider = /** @type {HTMLInputElement} */ (byId('scrub'));
  const empty = { points: [], selected: undefined, complete: false };
  /** @type {Curve} */
  let curve = { ...empty, view: viewOf({ instruction: '' }), threshold: null, duration: 1 };
  let isScheduled = false;
  // Until the user picks a point, the last known point is selected.
  let isPicked = false;

  // Many points can arrive between two repaints of the screen.
  function redraw() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      drawCurve(chart, curve);
    });
  }

  /** @param {Point | undefined} point */
  function select(point) {
    if (!point) return;
    curve.selected = point;
    slider.value = String(curve.points.indexOf(point));
    slider.setAttribute('aria-valuetext', point.reading);
    byId('readout').replaceChildren(...readout(point.cells));
    onSelect(point);
    redraw();
  }

  /** Selects no point: this frame has none. @param {number} frame from 0 */
  function deselect(frame) {
    curve.selected = undefined;
    byId('readout').replaceChildren(...readout([curve.view.absent(frame)]));
    redraw();
  }

  /** @param {Point | undefined} point */
  function pick(point) {
    isPicked = true;
    select(point);
  }

  slider.addEventListener('input', () => pick(curve.points[slider.valueAsNumber]));
  for (const kind of ['pointermove', 'pointerdown']) {
    chart.addEventListener(kind, (event) => {
      if (curve.points.length > 0) pick(pointAt(chart, /** @type {PointerEvent} */ (event).clientX, curve));
    });
  }
  new ResizeObserver(redraw).observe(chart);

  return {
    /** Removes all points. @param {{ view: View, threshold: number | null, duration: number }} frame */
    clear(frame) {
      curve = { ...empty, ...frame };
      isPicked = false;
      slider.disabled = true;
      slider.setAttribute('aria-label', frame.view.noun === 'prefix' ? 'Prefix' : 'Frame');
      byId('empty').hidden = false;
      byId('readout').replaceChildren();
      chart.setAttribute('aria-label', `${frame.view.name} over time: no values yet`);
      redraw();
    },
    /** @param {Point} point */
    add(point) {
      curve.points = [...curve.points, point].sort((a, b) => a.frame - b.frame);
      slider.disabled = false;
      slider.max = String(curve.points.length - 1);
      byId('empty').hidden = true;
      if (!isPicked) return select(curve.points.at(-1));
      if (curve.selected) slider.value = String(curve.points.indexOf(curve.selected));
      redraw();
    },
    /** Selects the point of a frame, if it has one. @param {number} frame from 0 */
    pickFrame(frame) {
      if (curve.points.length === 0) return;
      const point = curve.points.find((each) => each.frame === frame);
      if (point) return pick(point);
      isPicked = true;
      deselect(frame);
    },
    /** @param {number | null} threshold that the service applied */
    complete(threshold) {
      curve = { ...curve, threshold, complete: true };
      chart.setAttribute('aria-label', summaryOf(curve));
      redraw();
    },
  };
}

/** @param {Curve} curve */
function summaryOf({ view, points }) {
  const values = points.flatMap(({ value }) => value ?? []);
  const [first, last] = [values[0], values.at(-1)];
  const gaps = points.length - values.length;
  const without = gaps > 0 ? `, ${gaps} without a value` : '';
  const ends =
    first === undefined || last === undefined ? '' : `: ${decimal(first)} at the start, ${decimal(last)} at the end`;
  return `${view.name} over time, ${counted(points.length, view.noun)}${without}${ends}`;
}

/** @param {[string, string][]} cells names and values */
function readout(cells) {
  return cells.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
}
