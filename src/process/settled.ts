/**
 * Yields the values of promises in the order in which they settle. Throws the first rejection.
 * @param promises a promise is taken from here when it is due to begin: a generator can begin work only then
 * @param atOnce most promises that have begun and whose values are not yielded yet
 */
export async function* inOrderOfSettling<Value>(
  promises: Iterable<Promise<Value>>,
  atOnce = Number.POSITIVE_INFINITY,
): AsyncGenerator<Value> {
  const settled: Promise<Value>[] = [];
  let begun = 0;
  let resume = () => {};

  async function next(): Promise<Value> {
    let first = settled.shift();
    while (!first) {
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
      first = settled.shift();
    }
    begun -= 1;
    return first;
  }

  for (const promise of promises) {
    begun += 1;
    const settle = () => {
      settled.push(promise);
      resume();
    };
    promise.then(settle, settle);
    if (begun >= atOnce) yield await next();
  }
  while (begun > 0) yield await next();
}
