import type { Test } from 'tap';

/** How many faults a message names. */
const NAMED = 5;

/** One assertion for a property of many cases: there is no fault. The first ones are named. */
export function noFaults(t: Test, faults: readonly string[], property: string): void {
  const more = faults.length > NAMED ? [`… ${faults.length} in all`] : [];
  t.strictSame([...faults.slice(0, NAMED), ...more], [], property);
}
