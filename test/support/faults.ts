import type { Test } from 'tap';

/** How many faults a message lists at most. */
const NAMED = 5;

/** Asserts, in one assertion for many cases, that there are no faults. If there are, the message lists the first ones. */
export function noFaults(t: Test, faults: readonly string[], property: string): void {
  const more = faults.length > NAMED ? [`… ${faults.length} in total`] : [];
  t.strictSame([...faults.slice(0, NAMED), ...more], [], property);
}
