/** Rounds to the nearest integer, and halves to the even integer, as numpy.round does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Formats a number with one decimal as Python's f"{value:.1f}" does: it rounds the exact binary value, and a true half to even.
 * toFixed rounds such halves up (0.25 → "0.3"; Python: "0.2").
 * @param value finite, 0 ≤ value < 1e9
 */
export function oneDecimal(value: number): string {
  const fixed = value.toFixed(1);
  // Only odd multiples of 1/4 are exactly halfway between two tenths in binary: n/4 = m/10 + 1/20.
  const quarters = value * 4;
  if (!Number.isInteger(quarters) || quarters % 2 === 0) return fixed;
  return (roundHalfEven(value * 10) / 10).toFixed(1);
}
