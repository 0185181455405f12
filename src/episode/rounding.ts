/** Rounds to the nearest integer, halves to the even one, as numpy.round does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * One decimal as Python's f"{value:.1f}" prints it: the exact binary value, a true half to even.
 * toFixed decides such halves upwards (0.25 → "0.3", where Python gives "0.2").
 * @param value finite, 0 ≤ value < 1e9
 */
export function oneDecimal(value: number): string {
  const fixed = value.toFixed(1);
  // Only an odd multiple of 1/4 lies exactly between two tenths and can be held in binary: n/4 = m/10 + 1/20.
  const quarters = value * 4;
  if (!Number.isInteger(quarters) || quarters % 2 === 0) return fixed;
  return (roundHalfEven(value * 10) / 10).toFixed(1);
}
