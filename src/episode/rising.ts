/** Index of the first value that is not larger than the one before it; −1 if there is none. */
export function firstNotRising(values: number[]): number {
  let before = Number.NEGATIVE_INFINITY;
  return values.findIndex((value) => {
    const rises = value > before;
    before = value;
    return !rises;
  });
}
