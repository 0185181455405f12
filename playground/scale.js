/**
 * About four round numbers within a range.
 * @param {number} low
 * @param {number} high
 * @returns {{ values: number[], digits: number }} digits: decimals needed to distinguish them
 */
export function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = /** @type {number} */ ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough)) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0));
  return { values: Array.from({ length: count }, (_, i) => (first + i) * step), digits };
}

/** Least range of the axis, in nats: a curve with a smaller range looks nearly level. */
const LEAST_SPAN = 1;

/**
 * The range of the log probability axis. It holds all values, and the threshold if it is near. It is never so small that
 * noise looks like a rising curve.
 * @param {number[]} values nats; if there are none, the range is that of an empty chart
 * @param {number | null} threshold
 * @param {number} [most] the axis does not go above it: 0 for log probabilities
 * @returns {[number, number]}
 */
export function logProbRange(values, threshold, most = 0) {
  const known = values.length > 0 ? values : [-1, 0];
  let low = Math.min(...known);
  let high = Math.max(...known);
  const reach = 2 * Math.max(high - low, LEAST_SPAN);
  if (threshold !== null && threshold > low - reach && threshold < high + reach) {
    low = Math.min(low, threshold);
    high = Math.max(high, threshold);
  }
  const lacking = Math.max(0, LEAST_SPAN - (high - low)) / 2;
  const room = Math.max(high - low, LEAST_SPAN) * 0.06;
  // Space that does not fit above goes below.
  const top = Math.min(most, high + lacking);
  return [Math.min(low - lacking, top - LEAST_SPAN) - room, top + room];
}
