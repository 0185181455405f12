/** Keys and values of consecutive tokens: tokens × (layers · heads · head size) each. */
export interface KeysValues {
  keys: Float32Array;
  values: Float32Array;
}

/**
 * Keys and values of an episode's tokens so far. They are contiguous in memory, so that any prefix of them is a view.
 */
export interface Past {
  append(more: KeysValues): void;
  /** The first tokens, not copied. @param tokens how many */
  view(tokens: number): KeysValues;
}

/**
 * Provides the past for each pass. The last past stays in memory: if the next pass is a step of the same episode, it
 * continues there and copies nothing.
 */
export interface Pasts {
  /**
   * Opens a past for one pass.
   * @param links names of the cached blocks, each for the block and all before it
   * @param tokens how many tokens the past will hold in total
   * @returns a past, and how many of these blocks it already holds
   */
  open(links: string[], tokens: number): { past: Past; holds: number };
  /**
   * Keeps a past for the next pass.
   * @param ends for each block that it holds: its name, and the number of tokens up to its end
   */
  close(past: Past, ends: { link: string; tokens: number }[]): void;
}

interface Buffers extends KeysValues {
  filled: number;
}

/** @param width how many numbers one token has in the keys, and in the values */
export function createPasts(width: number): Pasts {
  let last: { past: Past; ends: { link: string; tokens: number }[] } | undefined;
  const buffersOf = new WeakMap<Past, Buffers>();

  function createPast(buffers: Buffers): Past {
    const past: Past = {
      append(more) {
        buffers.keys.set(more.keys, buffers.filled);
        buffers.values.set(more.values, buffers.filled);
        buffers.filled += more.keys.length;
      },
      view: (count) => ({
        keys: buffers.keys.subarray(0, count * width),
        values: buffers.values.subarray(0, count * width),
      }),
    };
    buffersOf.set(past, buffers);
    return past;
  }

  return {
    open(links, tokens) {
      // Passes of several episodes overlap: no other pass may write to this past.
      const found = last;
      last = undefined;
      const buffers = found && buffersOf.get(found.past);
      const other = links.findIndex((link, place) => found?.ends[place]?.link !== link);
      const holds = other < 0 ? links.length : other;
      const held = found?.ends[holds - 1];
      if (found && buffers && held && buffers.keys.length >= tokens * width) {
        buffers.filled = held.tokens * width;
        return { past: found.past, holds };
      }
      // An eighth more, for the next steps of a growing episode.
      const size = Math.ceil(tokens * 1.125) * width;
      return {
        past: createPast({ keys: new Float32Array(size), values: new Float32Array(size), filled: 0 }),
        holds: 0,
      };
    },
    close(past, ends) {
      last = { past, ends };
    },
  };
}

/** Copies the tokens `from` up to `to`. A copy, unlike a view, does not keep the other tokens in memory. */
export function sliceTokens({ keys, values }: KeysValues, from: number, to: number, width: number): KeysValues {
  return { keys: keys.slice(from * width, to * width), values: values.slice(from * width, to * width) };
}

/** Bytes of keys and values together. */
export function bytesOf({ keys, values }: KeysValues): number {
  return keys.byteLength + values.byteLength;
}
