import { draw } from './dom.js';
import { decimal } from './format.js';
import { ticks } from './scale.js';

/**
 * @typedef {import('./view.js').Point} Point
 * @typedef {{
 *   view: import('./view.js').View,
 *   points: Point[],
 *   selected: Point | undefined,
 *   threshold: number | null,
 *   duration: number,
 *   complete: boolean,
 * }} Curve points are sorted by frame; duration is in seconds
 */

const HEIGHT = 264;
const MARGIN = { top: 16, right: 18, bottom: 42, left: 62 };

/** Half the size of the mark of a point without a value, in pixels. */
const GAP = 4;

/**
 * Draws the values known so far over time. A point without a value is a cross at the bottom, and a gap in the line.
 * @param {SVGSVGElement} chart
 * @param {Curve} curve
 */
export function drawCurve(chart, curve) {
  const width = Math.max(240, chart.clientWidth);
  chart.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  const { view, points, threshold } = curve;
  const [low, high] = view.range(
    points.flatMap(({ value }) => value ?? []),
    threshold,
  );
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
 * The point that is nearest to a horizontal position on the chart.
 * @param {SVGSVGElement} chart
 * @param {number} clientX
 * @param {Curve} curve
 */
export function pointAt(chart, clientX, { points, duration }) {
  const box = chart.getBoundingClientRect();
  const time = ((clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right)) * (duration || 1);
  return points.reduce((best, point) => (Math.abs(point.time - time) < Math.abs(best.time - time) ? point : best));
}

/**
 * @typedef {{ left: number, right: number, top: number, bottom: number, low: number, high: number,
 *   x: (time: number) => number, y: (value: number) => number }} Plot
 */

/** @param {Plot} plot @param {Curve} curve */
function axes({ left, right, top, bottom, low, high, x, y }, { view, duration, points }) {
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
    draw('text', { class: 'name', x: right, y: bottom + 36, 'text-anchor': 'end' }, view.timeAxis),
    draw(
      'text',
      { class: 'name', x: 0, y: 0, transform: `translate(14 ${middle}) rotate(-90)`, 'text-anchor': 'middle' },
      view.axis,
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
  const radius = points.length > 60 ? 2 : 4;
  const mark = (/** @type {Point} */ point) => {
    const isSelected = point === selected ? ' selected' : '';
    const at = x(point.time).toFixed(1);
    const { value } = point;
    if (value === null) {
      const cross = `M${at} ${bottom - GAP}m${-GAP} ${-GAP}l${2 * GAP} ${2 * GAP}m0 ${-2 * GAP}l${-2 * GAP} ${2 * GAP}`;
      return draw('path', { class: `gap${isSelected}`, d: cross });
    }
    const r = point === selected ? radius + 2 : radius;
    return draw('circle', { class: `point${isSelected}`, cx: at, cy: y(value).toFixed(1), r });
  };
  const place = (/** @type {{ time: number, value: number }} */ { time, value }) =>
    `${x(time).toFixed(1)},${y(value).toFixed(1)}`;
  return [
    ...withoutGaps(points).map((run) =>
      draw('polyline', { class: complete ? 'curve' : 'curve open', points: run.map(place).join(' ') }),
    ),
    ...(selected
      ? [draw('line', { class: 'cursor', x1: x(selected.time), x2: x(selected.time), y1: top, y2: bottom })]
      : []),
    ...points.map(mark),
  ];
}

/** The parts of a curve between its gaps. @param {Point[]} points @returns {{ time: number, value: number }[][]} */
function withoutGaps(points) {
  /** @type {{ time: number, value: number }[][]} */
  const runs = [];
  let isOpen = false;
  for (const { time, value } of points) {
    if (value !== null) {
      if (!isOpen) runs.push([]);
      runs.at(-1)?.push({ time, value });
    }
    isOpen = value !== null;
  }
  return runs;
}
