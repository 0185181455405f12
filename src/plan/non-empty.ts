/** A list with at least one element. */
export type NonEmpty<Element> = [Element, ...Element[]];

/** Applies a function to every element. Unlike `map`, it keeps the fact that there is at least one. */
export function mapAll<Element, Result>(
  [first, ...rest]: Readonly<NonEmpty<Element>>,
  change: (element: Element, place: number) => Result,
): NonEmpty<Result> {
  return [change(first, 0), ...rest.map((element, i) => change(element, i + 1))];
}
