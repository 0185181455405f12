import { draw } from './dom.js';
import { decimal } from './format.js';
import { logProbRange, ticks } from './scale.js';

/**
 * @typedef {import('./service.js').PrefixEvent} PrefixEvent
 * @typedef {{
 *   points: PrefixEvent[],
 *   selected: PrefixEvent | undefined,
 *   threshold: number | null,
 *   duration: number,
 *   complete: boolean,
 * }} Curve points are sorted by length; duration is in seconds
 */

const HEIGHT = 264;
const MARGIN = { top: 16, right: 18, bottom: 42, left: 54 };

/**
 * Draws the log probability of True over time, for the prefixes known so far.
 * @param {SVGSVGElement} chart
 * @param {Curve} curve
 */
export function drawCurve(chart, curve) {
  const width = Math.max(240, chart.clientWidth);
  chart.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  const { points, threshold } = curve;
  const values = points.map(({ log_prob_true }) => log_prob_true);
  const [low, high] = logProbRange(values.length > 0 ? values : [-1, 0], threshold);
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, HEIGHT - MARGIN.bottom];
  const frame = {
    left,
    right,
    top,
    bottom,
    low,
    high,
    x: (/** @type {number} */ time) => left + ((right - left) * time) / (curve.duration || 1),
    y: (/** @type {number} */ value) => bottom - ((bottom - top) * (value - low)) / (high - low),
  };
  const drawn = points.length > 0 ? [...limit(frame, threshold), ...line(frame, curve)] : [];
  chart.replaceChildren(...axes(frame, curve), ...drawn);
}

/**
 * The prefix whose point is nearest to a horizontal position on the chart.
 * @param {SVGSVGElement} chart
 * @param {number} clientX
 * @param {Curve} curve
 */
export function prefixAt(chart, clientX, { points, duration }) {
  const box = chart.getBoundingClientRect();
  const time = ((clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right)) * (duration || 1);
  return points.reduce((best, point) => (Math.abs(point.time_s - time) < Math.abs(best.time_s - time) ? point : best));
}

/**
 * @typedef {{ left: number, right: number, top: number, bottom: number, low: number, high: number,
 *   x: (time: number) => number, y: (value: number) => number }} Plot
 */

/** @param {Plot} plot @param {Curve} curve */
function axes({ left, right, top, bottom, low, high, x, y }, { duration, points }) {
  const vertical = ticks(low, high);
  const horizontal = ticks(0, duration || 1);
  const middle = (top + bottom) / 2;
  return [
    ...vertical.values.flatMap((value) => [
      draw('line', { class: 'grid', x1: left, x2: right, y1: y(value), y2: y(value) }),
      ...(points.length > 0
        ? [
            draw(
              'text',
              { class: 'tick', x: left - 8, y: y(value) + 4, 'text-anchor': 'end' },
              decimal(value, vertical.digits),
            ),
          ]
        : []),
    ]),
    draw('line', { class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom }),
    ...horizontal.values.map((time) =>
      draw(
        'text',
        { class: 'tick', x: x(time), y: bottom + 18, 'text-anchor': 'middle' },
        time.toFixed(horizontal.digits),
      ),
    ),
    draw(
      'text',
      { class: 'name', x: right, y: bottom + 36, 'text-anchor': 'end' },
      'time of the prefix’s last frame (s)',
    ),
    draw(
      'text',
      { class: 'name', x: 0, y: 0, transform: `translate(12 ${middle}) rotate(-90)`, 'text-anchor': 'middle' },
      'log probability of True (nats)',
    ),
  ];
}

/** The threshold: a line, or a label at the edge if it lies outside the chart. @param {Plot} plot @param {number | null} threshold */
function limit({ left, right, top, bottom, low, high, y }, threshold) {
  if (threshold === null) return [];
  const label = `threshold ${decimal(threshold, 2)}`;
  const text = { class: 'limit-name', x: left + 6 };
  if (threshold > high) return [draw('text', { ...text, y: top + 2 }, `↑ ${label}`)];
  if (threshold < low) return [draw('text', { ...text, y: bottom - 6 }, `↓ ${label}`)];
  const at = y(threshold);
  return [
    draw('line', { class: 'limit', x1: left, x2: right, y1: at, y2: at }),
    draw('text', { ...text, y: at < top + 16 ? at + 15 : at - 6 }, label),
  ];
}

/** @param {Plot} plot @param {Curve} curve */
function line({ top, bottom, x, y }, { points, selected, complete }) {
  const place = (/** @type {PrefixEvent} */ point) =>
    `${x(point.time_s).toFixed(1)},${y(point.log_prob_true).toFixed(1)}`;
  const radius = points.length > 60 ? 2 : 4;
  return [
    draw('polyline', { class: complete ? 'curve' : 'curve open', points: points.map(place).join(' ') }),
    ...(selected
      ? [draw('line', { class: 'cursor', x1: x(selected.time_s), x2: x(selected.time_s), y1: top, y2: bottom })]
      : []),
    ...points.map((point) =>
      draw('circle', {
        class: point === selected ? 'point selected' : 'point',
        cx: x(point.time_s).toFixed(1),
        cy: y(point.log_prob_true).toFixed(1),
        r: point === selected ? radius + 2 : radius,
      }),
    ),
  ];
}
