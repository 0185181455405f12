const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Limits of the structure of a JSON document. */
const MOST = {
  /** Lists, objects and members. A calibration of 10,000 episodes has 70,000, the most that a valid request has. */
  members: 200_000,
  /** Items of all lists: times and digests of 100 episodes of 10,000 frames. */
  items: 1_000_000,
  /** Nested lists and objects. Valid requests have seven levels. */
  depth: 64,
};

/**
 * Checks the structure of a JSON document before it is parsed. Each list, object and member takes about a hundred bytes of memory,
 * and time, so a few megabytes of `{}` would take gigabytes.
 * @param bytes UTF-8; the document need not be valid
 * @returns a message, or undefined if no limit is exceeded
 */
export function excessOf(bytes: Uint8Array): string | undefined {
  let members = 0;
  let items = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      continue;
    }
    if (byte === COMMA) items += 1;
    else if (byte === COLON) members += 1;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      members += 1;
      depth += 1;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
    if (depth > MOST.depth) return `The JSON has more than ${MOST.depth} lists and objects inside each other.`;
    if (members > MOST.members) return `The JSON has more than ${MOST.members} lists, objects and members.`;
    if (items > MOST.items) return `The JSON has more than ${MOST.items} items in its lists.`;
  }
  return undefined;
}

/** @param start position of the opening quote @returns position of the closing quote, or the end of the document if it has none */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let from = start + 1; ; ) {
    const end = bytes.indexOf(QUOTE, from);
    if (end < 0) return bytes.length;
    let before = end;
    while (before > from && bytes[before - 1] === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 0) return end;
    from = end + 1;
  }
}
