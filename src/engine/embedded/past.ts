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
 * The pasts of one pass after another. The last one stays: the next step of the same episode finds its beginning there, and
 * copies nothing.
 */
export interface Pasts {
  /**
   * @param links names of the blocks that are known, each for the block and all before it
   * @param tokens how many there will be in all
   * @returns a past, and how many of these blocks it holds already
   */
  open(links: string[], tokens: number): { past: Past; holds: number };
  /** @param ends of the blocks that it holds: their names, and the tokens up to the end of each */
  close(past: Past, ends: { link: string; tokens: number }[]): void;
}

interface Room extends KeysValues {
  filled: number;
}

/** @param width numbers of one token, in keys and in values */
export function createPasts(width: number): Pasts {
  let last: { past: Past; ends: { link: string; tokens: number }[] } | undefined;
  const rooms = new WeakMap<Past, Room>();

  function createPast(room: Room): Past {
    const past: Past = {
      append(more) {
        room.keys.set(more.keys, room.filled);
        room.values.set(more.values, room.filled);
        room.filled += more.keys.length;
      },
      view: (count) => ({ keys: room.keys.subarray(0, count * width), values: room.values.subarray(0, count * width) }),
    };
    rooms.set(past, room);
    return past;
  }

  return {
    open(links, tokens) {
      // Taken away, so that no two passes write to it.
      const found = last;
      last = undefined;
      const room = found && rooms.get(found.past);
      const other = links.findIndex((link, place) => found?.ends[place]?.link !== link);
      const holds = other < 0 ? links.length : other;
      if (found && room && holds > 0 && room.keys.length >= tokens * width) {
        room.filled = (found.ends[holds - 1] as { tokens: number }).tokens * width;
        return { past: found.past, holds };
      }
      // Some room for the steps to come.
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

/** Tokens `from` up to `to`, copied: they hold nothing else in memory. */
export function sliceTokens({ keys, values }: KeysValues, from: number, to: number, width: number): KeysValues {
  return { keys: keys.slice(from * width, to * width), values: values.slice(from * width, to * width) };
}

export function bytesOf({ keys, values }: KeysValues): number {
  return keys.byteLength + values.byteLength;
}
