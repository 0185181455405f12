/** Keys and values of tokens, side by side: tokens × (layers · heads · head size) each. */
export interface KeysValues {
  keys: Float32Array;
  values: Float32Array;
}

/** What an episode's tokens so far have left behind. Tokens lie one after another, so that any prefix of them is a view. */
export interface Past {
  append(more: KeysValues): void;
  /** The first so many tokens, not copied. */
  view(tokens: number): KeysValues;
}

/**
 * @param tokens how many will be appended in all
 * @param width numbers of one token, in keys and in values
 */
export function createPast(tokens: number, width: number): Past {
  const keys = new Float32Array(tokens * width);
  const values = new Float32Array(tokens * width);
  let filled = 0;
  return {
    append(more) {
      keys.set(more.keys, filled);
      values.set(more.values, filled);
      filled += more.keys.length;
    },
    view: (count) => ({ keys: keys.subarray(0, count * width), values: values.subarray(0, count * width) }),
  };
}

/** Tokens `from` up to `to`, copied: they hold nothing else in memory. */
export function sliceTokens({ keys, values }: KeysValues, from: number, to: number, width: number): KeysValues {
  return { keys: keys.slice(from * width, to * width), values: values.slice(from * width, to * width) };
}

export function bytesOf({ keys, values }: KeysValues): number {
  return keys.byteLength + values.byteLength;
}
