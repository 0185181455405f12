/** Number formats of the page: a real minus sign, and only significant digits. */

/** @param {number} value @param {number} [digits] */
export function decimal(value, digits = 3) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}

/** @param {number} value 0…1 */
export function percent(value) {
  if (value > 0 && value < 0.001) return '< 0.1 %';
  return `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
}

/** @param {number} time seconds */
export function seconds(time) {
  return `${time.toFixed(time < 100 ? 2 : 1)} s`;
}

/** @param {number} count @param {string} noun in the singular */
export function counted(count, noun) {
  const plural = noun.endsWith('x') ? `${noun}es` : `${noun}s`;
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;
}
